import os

import pytest

from entrenous.errors import MalformedError
from entrenous.identity import LinkingCode, format_linking_code, linking_keys, parse_linking_code
from entrenous.identity.linking import CODE_BITS

CODE = LinkingCode.generate(lambda size: bytes(range(200, 200 + size)))
TEXT = format_linking_code(CODE)


def test_a_code_comes_back() -> None:
    codes = [CODE, LinkingCode(bytes(10)), LinkingCode(b"\x07" + b"\xff" * 9), LinkingCode.generate(os.urandom)]
    for code in codes:
        text = format_linking_code(code)
        assert [len(group) for group in text.split("-")] == [5, 5, 5]
        assert parse_linking_code(text) == code
    assert format_linking_code(codes[1]) == "AAAAA-AAAAA-AAAAA"
    assert format_linking_code(codes[2]) == "77777-77777-77777"


def test_a_code_has_75_bits() -> None:
    assert CODE_BITS == 75
    full = LinkingCode.generate(lambda size: b"\xff" * size)
    assert int.from_bytes(full.reveal(), "big") == (1 << 75) - 1


def test_case_spaces_and_misread_letters_do_not_matter() -> None:
    assert all(parse_linking_code(text) == CODE for text in (TEXT.lower(), TEXT.replace("-", ""), f" {TEXT} \n"))
    assert parse_linking_code("0I8AA-AAAAA-AAAAA") == parse_linking_code("OIBAA-AAAAA-AAAAA")


@pytest.mark.parametrize(
    "text", ["", "AAAAA", TEXT + "A", "A" * 1_000_000, "9AAAA-AAAAA-AAAAA", "éAAAA-AAAAA-AAAAA", "ßAAAA-AAAAA-AAAA"]
)
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_linking_code(text)


def test_both_devices_derive_the_same_and_nobody_else_does() -> None:
    keys = linking_keys(parse_linking_code(TEXT))
    other = linking_keys(LinkingCode.generate(os.urandom))
    assert keys == linking_keys(CODE)
    assert keys.mailbox_id != other.mailbox_id
    assert keys.mac_key != other.mac_key
    assert (len(keys.mailbox_id), len(keys.mac_key)) == (16, 32)
    assert keys.mailbox_id not in keys.mac_key.reveal()

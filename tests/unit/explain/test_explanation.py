import re
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrenous.channel import CLASSIC, HYBRID, Suite
from entrenous.crypto import Argon2Parameters, KEMPrivateKey, system_entropy
from entrenous.errors import CryptoError, UsageError
from entrenous.explain import CHAPTERS, PARTS, Explanation, Step, Value, explain, listing, step_lines
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.recorder import agree, attempt, flipped
from entrenous.testing.entropy import SeededEntropy

ROOT = Path(__file__).resolve().parents[3]
FAST = Argon2Parameters(memory_kib=8, iterations=1, lanes=1)
NOW = 1_800_000_000


def step(explanation: Explanation, number: str) -> Step:
    return next(told.step for told in explanation.steps() if told.number == number)


def value(explanation: Explanation, number: str, name: str) -> bytes:
    data = next(each.data for each in step(explanation, number).values if each.name == name)
    assert isinstance(data, bytes)
    return data


def values(explanation: Explanation) -> dict[tuple[str, str], Value]:
    return {(told.number, each.name): each for told in explanation.steps() for each in told.step.values}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_step_says_what_why_what_without_and_where_and_shows_values(explanation: Explanation) -> None:
    for told in explanation.steps():
        shown = told.step
        for words in (shown.title, shown.what, shown.why, shown.without):
            assert words.strip(), told.number
        assert shown.values, told.number
        assert shown.sources, told.number
        assert shown.pages, told.number
        for each in shown.values:
            assert each.name, told.number
            assert each.data, (told.number, each.name)
            assert each.known_to, (told.number, each.name)


def test_the_chapters_are_those_that_only_takes(explanation: Explanation) -> None:
    assert [chapter.name for chapter in explanation.chapters] == list(CHAPTERS)
    assert {name for names in PARTS.values() for name in names} < set(CHAPTERS)


def test_every_page_of_the_specification_that_is_named_has_the_heading(explanation: Explanation) -> None:
    for told in explanation.steps():
        for page in told.step.pages:
            assert page.anchor in anchors(ROOT / "docs" / "spec" / page.file), (told.number, page)


def test_a_step_shows_no_name_twice_unless_it_is_one_of_several(explanation: Explanation) -> None:
    for told in explanation.steps():
        names = [(each.name, each.note) for each in told.step.values]
        assert len(names) == len(set(names)), told.number


def test_the_record_shown_opens_with_the_key_and_the_counter_shown(explanation: Explanation) -> None:
    key, record = value(explanation, "7.1", "k initiator"), value(explanation, "7.1", "record")
    counter = next(each.data for each in step(explanation, "7.1").values if each.name == "counter")
    assert isinstance(counter, str)
    assert key == value(explanation, "1.4", "k initiator")
    opened = AESGCM(key).decrypt(bytes(4) + int(counter).to_bytes(8, "big"), record[2:], None)
    assert int.from_bytes(record[:2], "big") == len(record) - 2
    assert opened[0] == 0
    assert opened[5:] == value(explanation, "7.1", "call")


def test_the_message_shown_opens_with_the_key_shown_and_no_other(explanation: Explanation) -> None:
    key, nonce = value(explanation, "6.2", "key"), value(explanation, "6.2", "nonce")
    guard = value(explanation, "6.3", "reuse_guard")
    used = bytes(a ^ b for a, b in zip(nonce[:4], guard, strict=True)) + nonce[4:]
    group, data = value(explanation, "6.3", "group_id"), value(explanation, "6.1", "authenticated_data")
    aad = bytes((len(group),)) + group + (3).to_bytes(8, "big") + b"\x01" + bytes((len(data),)) + data
    ciphertext = value(explanation, "6.3", "ciphertext")
    assert AESGCM(key).decrypt(used, ciphertext, aad) == value(explanation, "6.1", "PrivateMessageContent")
    with pytest.raises(InvalidTag):
        AESGCM(key).decrypt(nonce, ciphertext, aad)


def test_the_certificate_shown_opens_with_the_key_shown(explanation: Explanation, conversation: Conversation) -> None:
    sealed = value(explanation, "1.3", "certificate, encrypted")
    made = conversation.handshake
    assert made.second.endswith(sealed)
    opened = len(sealed) - 16
    assert len(value(explanation, "1.3", "certificate")) == opened
    # h at that place stands in no step: the handshake hash is SHA-256 of it and what was sealed last.
    assert value(explanation, "1.3", "k after es") in made.line.server_trace.all("k")


def test_what_is_shown_as_private_belongs_to_what_is_shown_as_public(
    explanation: Explanation, conversation: Conversation
) -> None:
    hpke = conversation.bundle.suite.hpke
    for name in ("init_key", "encryption_key"):
        private = value(explanation, "3.1", f"private half of {name}")
        assert hpke.key_pair(private).public == value(explanation, "3.1", name)
    assert KEMPrivateKey(value(explanation, "3.1", "private half of init_key")) == conversation.bundle.init_private


def test_the_text_is_in_nothing_that_the_network_or_the_server_has(explanation: Explanation) -> None:
    said = next(each.data for each in step(explanation, "6.1").values if each.name == "text")
    assert isinstance(said, str)
    for (number, name), each in values(explanation).items():
        known = {who.name for who in each.known_to}
        if known & {"NETWORK", "SERVER"}:
            data = each.data if isinstance(each.data, bytes) else each.data.encode()
            assert said.encode() not in data, (number, name)


def test_the_removed_member_is_shown_to_fail_and_everybody_else_to_read(explanation: Explanation) -> None:
    assert len(step(explanation, "4.5").attempts) == 1
    shown = step(explanation, "6.4")
    assert len([each for each in shown.attempts if "Dave" in each.what or "he" in each.what]) >= 3
    assert any("[MLS-EPOCH]" in each.error for each in shown.attempts)
    assert any("Bob, Carol and Erin" in check for check in shown.checks)


@pytest.mark.parametrize("suite", [HYBRID, CLASSIC], ids=lambda suite: suite.label)
def test_attacks_end_in_an_error_of_ours_in_both_suites(suite: Suite) -> None:
    made = explain(system_entropy, NOW, suite, FAST)
    attempts = [each for told in made.steps() for each in told.step.attempts]
    assert len(attempts) >= 15
    for each in attempts:
        assert re.match(r"(CryptoError|MalformedError|RejectedError): \S", each.error), each


def test_two_runs_have_other_keys() -> None:
    first, second = (values(explain(system_entropy, NOW, HYBRID, FAST)) for _ in range(2))
    assert first.keys() == second.keys()
    same = {
        key
        for key, each in first.items()
        if isinstance(each.data, bytes) and len(each.data) > 6 and each.data == second[key].data
    }
    assert same == {("5.1", "psk_secret")}


def test_the_same_entropy_gives_the_same_run_but_for_what_the_library_draws() -> None:
    first, second = (values(explain(SeededEntropy("explained"), NOW, CLASSIC, FAST)) for _ in range(2))
    assert first.keys() == second.keys()
    # ML-KEM's encapsulations draw from the library. Before the first of them everything is the same.
    for key, each in first.items():
        if key[0] < "3.3":
            assert each.data == second[key].data, key
    assert first["3.3", "Welcome"].data != second["3.3", "Welcome"].data


def test_only_keeps_numbers_and_order(explanation: Explanation) -> None:
    kept = explanation.only(("record", "opaque"))
    assert [chapter.name for chapter in kept.chapters] == ["opaque", "record"]
    assert next(told.number for told in kept.steps()) == "2.1"
    assert [told.number for told in kept.steps()][-1].startswith("7.")
    with pytest.raises(UsageError):
        explanation.only(("tls",))


def test_a_listing_has_every_byte(explanation: Explanation) -> None:
    told = listing(explanation)
    assert [each["number"] for each in told] == [each.number for each in explanation.steps()]
    shown = {value["name"]: value for value in told[0]["values"]}
    assert bytes.fromhex(shown["e"]["hex"]) == value(explanation, "1.1", "e")
    assert shown["e"]["bytes"] == 32
    assert shown["private key of e"]["known_to"] == ["client"]


def test_lines_fit_a_terminal_of_eighty_columns(explanation: Explanation) -> None:
    lines = [line for told in explanation.steps() for line in step_lines(told)]
    assert [line for line in lines if len(line) > 80] == []
    assert len(lines) > 500


def test_what_differs_or_succeeds_ends_the_run() -> None:
    assert agree("they are equal", b"a", b"a", b"a") == "they are equal"
    with pytest.raises(UsageError, match="not equal"):
        agree("they are equal", b"a", b"b")

    def fail() -> None:
        raise CryptoError

    assert attempt("it fails", "somebody", fail).error == "CryptoError: verification failed"
    with pytest.raises(UsageError, match="succeeded"):
        attempt("it works", "somebody", lambda: None)
    assert flipped(b"ab", -1) == b"ac"

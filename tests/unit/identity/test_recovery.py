import os

import pytest

from entrenous.errors import MalformedError, UsageError
from entrenous.identity import RecoveryCode, format_recovery_code, parse_recovery_code
from entrenous.identity.words import PREFIX, WORD_COUNT, random_words, words

CODE = RecoveryCode(bytes(range(16)))
TEXT = format_recovery_code(CODE)


def test_the_list_has_2048_words_in_order_told_apart_by_four_letters() -> None:
    assert len(words()) == WORD_COUNT == 2048
    assert len({word[:PREFIX] for word in words()}) == 2048
    assert list(words()) == sorted(words())
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words())
    assert {len(word) for word in words()} == {3, 4, 5, 6, 7, 8}


def test_twelve_words_stand_for_sixteen_bytes() -> None:
    for code in (CODE, RecoveryCode(bytes(16)), RecoveryCode(b"\xff" * 16), RecoveryCode.generate(os.urandom)):
        text = format_recovery_code(code)
        assert len(text.split()) == 12
        assert parse_recovery_code(text) == code


def test_the_words_for_a_code_never_change() -> None:
    # A written-down code must open the account for ever, so the list and the checksum are frozen.
    assert TEXT == "abacus amino lily amino face adjust bulb busy apple geyser drawer bring"


def test_case_spaces_and_separators_do_not_matter() -> None:
    variants = [
        TEXT.upper(),
        f"  {TEXT.title()} \n",
        TEXT.replace(" ", "\t\n"),
        TEXT.replace(" ", "-"),
        TEXT.replace(" ", ", "),
    ]
    assert all(parse_recovery_code(variant) == CODE for variant in variants)


def test_four_letters_of_a_word_are_enough() -> None:
    assert parse_recovery_code(" ".join(word[:4] for word in TEXT.split())) == CODE


def test_a_wrong_word_is_named_with_its_place_and_a_guess() -> None:
    typed = TEXT.split()
    typed[4] = "zebrra"
    with pytest.raises(MalformedError, match="word 5, “zebrra”, is not in the list; did you mean “zebra”"):
        parse_recovery_code(" ".join(typed))
    typed[4] = "0" * 100
    with pytest.raises(MalformedError, match=r"word 5, “0{20}”, is not in the list$"):
        parse_recovery_code(" ".join(typed))


@pytest.mark.parametrize("count", [0, 1, 11, 13])
def test_another_number_of_words_is_named(count: int) -> None:
    with pytest.raises(MalformedError, match=f"has 12 words, this has {count}"):
        parse_recovery_code(" ".join(["zebra"] * count))


def test_most_swapped_or_replaced_words_are_noticed() -> None:
    noticed = tried = 0
    typed = TEXT.split()
    for position in range(12):
        for word in words()[::128]:
            changed = [*typed[:position], word, *typed[position + 1 :]]
            if changed == typed:
                continue
            tried += 1
            try:
                assert parse_recovery_code(" ".join(changed)) != CODE
            except MalformedError:
                noticed += 1
    assert tried > 150
    assert noticed / tried > 0.85  # four bits of checksum miss one in sixteen


def test_endless_text_is_refused_unread() -> None:
    with pytest.raises(MalformedError):
        parse_recovery_code("zebra " * 1_000_000)


def test_a_code_of_another_size_is_our_bug() -> None:
    with pytest.raises(UsageError):
        format_recovery_code(RecoveryCode(bytes(15)))


def test_random_words_use_all_their_bits() -> None:
    assert random_words(3, lambda size: b"\x00\x00\x07\xff\xff\xff"[:size]) == [
        words()[0],
        words()[2047],
        words()[2047],
    ]
    assert len(set(random_words(200, os.urandom))) > 150


def test_the_code_does_not_print() -> None:
    assert CODE.reveal().hex() not in repr(CODE)

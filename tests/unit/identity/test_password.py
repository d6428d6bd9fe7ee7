import hashlib
import os

import pytest

from entrenous.errors import MalformedError, RejectedError
from entrenous.identity import (
    WeakPassword,
    check_password,
    estimate_guesses_log2,
    password_bytes,
    suggest_password,
)
from entrenous.identity.password import MIN_GUESSES_LOG2
from entrenous.identity.words import words


@pytest.mark.parametrize(
    "password", ["", "password", "correct horse", "Tr0ub4dor&3", "a" * 500, "12345678901234567890"]
)
def test_what_could_be_guessed_is_refused_with_something_better(password: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(password, (), os.urandom)
    assert caught.value.rule == "AUTH-WEAK-PASSWORD"
    assert caught.value.guesses_log2 < MIN_GUESSES_LOG2
    assert caught.value.suggestion in str(caught.value)
    check_password(caught.value.suggestion, (), os.urandom)


def test_the_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password("hunter2hunter2", (), os.urandom)
    assert "hunter2" not in str(caught.value)


def test_a_good_password_passes() -> None:
    check_password("vK7#qLz9!mWx2@Rt", (), os.urandom)


def test_every_suggestion_is_good_enough() -> None:
    for number in range(150):
        suggestion = suggest_password(hashlib.shake_256(bytes([number])).digest)
        assert len(suggestion.split("-")) == 5
        assert set(suggestion.split("-")) <= set(words())
        assert estimate_guesses_log2(suggestion) >= MIN_GUESSES_LOG2


def test_the_own_name_is_guessed_first() -> None:
    password = "alexandria-the-third"
    assert estimate_guesses_log2(password, ["alexandria", "the-third"]) < estimate_guesses_log2(password)


def test_two_spellings_of_one_character_are_one_password() -> None:
    assert password_bytes("café") == password_bytes("cafe\u0301") == "café".encode()
    assert password_bytes("ﬁ") == "ﬁ".encode()  # NFC, not NFKC: look-alikes stay different


def test_half_a_character_is_malformed() -> None:
    for check in (password_bytes, lambda text: check_password(text, (), os.urandom)):
        with pytest.raises(MalformedError):
            check("\ud800")


@pytest.mark.parametrize("password", ["x" * 1025, "é" * 513, "x" * 10_000_000, "e\u0301" * 2000])
def test_a_password_has_an_end(password: str) -> None:
    with pytest.raises(RejectedError) as caught:
        check_password(password, (), os.urandom)
    assert caught.value.rule == "AUTH-PASSWORD-LENGTH"
    assert len(password_bytes("x" * 1024)) == 1024

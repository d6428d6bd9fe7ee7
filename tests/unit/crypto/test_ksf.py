"""Argon2id: its value, its floor and its ceiling."""

from dataclasses import replace

import pytest

from entrenous.crypto import CEILING, FLOOR, Argon2Parameters, argon2id, check, ksf
from entrenous.errors import RejectedError, UnavailableError, UsageError

#: Small enough for tests; far below the floor.
QUICK = Argon2Parameters(memory_kib=64, iterations=1, lanes=1)
SALT = bytes(16)


def test_the_floor_is_the_protocols() -> None:
    assert Argon2Parameters(memory_kib=64 * 1024, iterations=3, lanes=4) == FLOOR
    check(FLOOR)
    check(CEILING)


@pytest.mark.parametrize("name", ["memory_kib", "iterations", "lanes"])
def test_anything_below_the_floor_or_above_the_ceiling_is_refused(name: str) -> None:
    with pytest.raises(RejectedError) as caught:
        check(replace(FLOOR, **{name: getattr(FLOOR, name) - 1}))
    assert caught.value.rule == "AUTH-KSF-FLOOR"
    with pytest.raises(RejectedError) as caught:
        check(replace(CEILING, **{name: getattr(CEILING, name) + 1}))
    assert caught.value.rule == "AUTH-KSF-CEILING"


def test_a_higher_floor_is_kept_too() -> None:
    with pytest.raises(RejectedError):
        check(FLOOR, replace(FLOOR, iterations=4))


def test_the_ceiling_holds_even_where_nobody_checked() -> None:
    with pytest.raises(UsageError):
        argon2id(b"password", SALT, replace(QUICK, iterations=CEILING.iterations + 1), 32)
    with pytest.raises(UsageError):
        argon2id(b"password", SALT, replace(QUICK, memory_kib=1024, lanes=CEILING.lanes + 1), 32)
    with pytest.raises(UsageError):
        argon2id(b"password", SALT, replace(CEILING, memory_kib=2**62), 32)


@pytest.mark.parametrize(
    "parameters",
    [
        replace(QUICK, memory_kib=7),
        replace(QUICK, iterations=0),
        replace(QUICK, lanes=0),
        replace(QUICK, memory_kib=-1),
    ],
)
def test_what_argon2id_does_not_allow_is_our_bug(parameters: Argon2Parameters) -> None:
    with pytest.raises(UsageError):
        argon2id(b"password", SALT, parameters, 32)


def test_short_salts_and_outputs_are_our_bug() -> None:
    with pytest.raises(UsageError):
        argon2id(b"password", SALT[:7], QUICK, 32)
    with pytest.raises(UsageError):
        argon2id(b"password", SALT, QUICK, 3)


def test_the_output_depends_on_every_input() -> None:
    base = argon2id(b"password", SALT, QUICK, 32)
    assert base == argon2id(b"password", SALT, QUICK, 32)
    others = [
        argon2id(b"passworD", SALT, QUICK, 32),
        argon2id(b"password", SALT + b"\0", QUICK, 32),
        argon2id(b"password", SALT, replace(QUICK, iterations=2), 32),
        argon2id(b"password", SALT, replace(QUICK, memory_kib=72), 32),
        argon2id(b"password", SALT, replace(QUICK, lanes=2), 32),
        argon2id(b"password", SALT, QUICK, 64)[:32],
    ]
    assert len({base, *others}) == 7
    assert len(argon2id(b"", SALT, QUICK, 64)) == 64


def test_argon2id_is_that_of_its_reference_implementation() -> None:
    # From the reference implementation's test suite: version 1.3, t=2, m=2^8 KiB, p=1.
    tag = argon2id(b"password", b"somesalt", Argon2Parameters(memory_kib=256, iterations=2, lanes=1), 32)
    assert tag.hex() == "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"


def test_missing_memory_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    class Starving:
        def __init__(self, **_: object) -> None:
            raise MemoryError

    monkeypatch.setattr(ksf, "Argon2id", Starving)
    with pytest.raises(UnavailableError):
        argon2id(b"password", SALT, QUICK, 32)

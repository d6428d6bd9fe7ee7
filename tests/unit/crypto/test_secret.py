"""Secrets do not leave by accident."""

import copy
import pickle
import traceback

import pytest

from entrenous.crypto import (
    FFDHE2048,
    X25519,
    XWING,
    AeadId,
    AeadKey,
    DHPrivateKey,
    KEMPrivateKey,
    Secret,
    SigningKey,
    constant_time_equal,
    draw,
    system_entropy,
)
from entrenous.errors import UsageError

VALUE = b"\xaa\xbb\xcc\xdd" * 8
#: How VALUE could show: as hexadecimal, as Python's repr, as a number.
TRACES = ("aabbcc", "\\xaa\\xbb", "170, 187", str(int.from_bytes(VALUE, "big")))


class EpochSecret(Secret):
    """A secret for these tests."""

    __slots__ = ()


class JoinerSecret(Secret):
    """Another."""

    __slots__ = ()


def shown(text: str) -> bool:
    return any(trace in text for trace in TRACES)


def test_a_secret_shows_its_class_and_length_and_nothing_else() -> None:
    secret = EpochSecret(VALUE)
    assert repr(secret) == str(secret) == f"{secret}" == "EpochSecret(32 bytes)"
    assert f"{secret:>25}" == "    EpochSecret(32 bytes)"


def test_no_holder_of_a_secret_prints_it() -> None:
    key_pair = X25519.generate(lambda _: VALUE)
    holders = [
        key_pair,
        FFDHE2048.generate(lambda _: VALUE),
        XWING.key_pair(VALUE),
        SigningKey.from_seed(VALUE),
        AeadKey(AeadId.AES_256_GCM, VALUE),
    ]
    for holder in holders:
        assert not shown(repr(holder)), type(holder)
        assert not shown(str(holder)), type(holder)


def test_a_traceback_with_a_secret_in_a_frame_does_not_show_it() -> None:
    secret = EpochSecret(VALUE)
    with pytest.raises(UsageError) as caught:
        pickle.dumps(secret)
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "EpochSecret(32 bytes)" in text
    assert not shown(text)


def test_reveal_is_the_way_out() -> None:
    assert EpochSecret(VALUE).reveal() == VALUE
    assert len(EpochSecret(VALUE)) == 32


def test_an_empty_secret_is_not_an_absent_one() -> None:
    assert EpochSecret(b"")


def test_secrets_are_equal_by_class_and_value() -> None:
    assert EpochSecret(VALUE) == EpochSecret(bytes(VALUE))
    assert EpochSecret(VALUE) != EpochSecret(VALUE[::-1])
    assert EpochSecret(VALUE) != EpochSecret(VALUE[:-1])
    assert EpochSecret(VALUE) != JoinerSecret(VALUE)
    assert EpochSecret(VALUE) != VALUE


@pytest.mark.parametrize("escape", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "holder", [EpochSecret(VALUE), DHPrivateKey(VALUE), AeadKey(AeadId.AES_256_GCM, VALUE), KEMPrivateKey(VALUE)]
)
def test_secrets_are_neither_pickled_nor_copied(escape: object, holder: object) -> None:
    assert callable(escape)
    with pytest.raises(UsageError):
        escape(holder)


def test_a_secret_has_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(EpochSecret(VALUE))


def test_a_secret_does_not_follow_changes_of_what_it_was_made_from() -> None:
    source = bytearray(VALUE)
    secret = EpochSecret(source)  # type: ignore[arg-type] # what a caller without a type checker may do
    source[0] ^= 1
    assert secret.reveal() == VALUE


def test_constant_time_equality_is_equality() -> None:
    assert constant_time_equal(VALUE, bytes(VALUE))
    assert not constant_time_equal(VALUE, VALUE[:-1])
    assert not constant_time_equal(VALUE, VALUE[:-1] + b"\0")


@pytest.mark.parametrize("surplus", [-32, -1, 1])
def test_a_source_that_gives_another_amount_of_entropy_makes_no_key(surplus: int) -> None:
    assert len(draw(system_entropy, 48)) == 48
    with pytest.raises(UsageError):
        X25519.generate(lambda size: bytes(size + surplus))

import hashlib

import pytest

from entrenous.crypto import ristretto
from entrenous.errors import CryptoError, UsageError
from entrenous.opaque import oprf


def test_expand_message_xmd_gives_the_published_bytes() -> None:
    # RFC 9380 appendix K.3: SHA-512, DST of the appendix, message "abc", 0x20 and 0x80 bytes
    dst = b"QUUX-V01-CS02-with-expander-SHA512-256"
    assert oprf.expand_message_xmd(b"abc", dst, 0x20) == bytes.fromhex(
        "0da749f12fbe5483eb066a5f595055679b976e93abe9be6f0f6318bce7aca8dc"
    )
    assert oprf.expand_message_xmd(b"", dst, 0x20) == bytes.fromhex(
        "6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179ba"
    )


@pytest.mark.parametrize(("dst", "length"), [(bytes(256), 64), (b"dst", 255 * 64 + 1)])
def test_expand_message_xmd_keeps_to_its_bounds(dst: bytes, length: int) -> None:
    with pytest.raises(UsageError):
        oprf.expand_message_xmd(b"", dst, length)


def test_long_outputs_chain_their_blocks() -> None:
    output = oprf.expand_message_xmd(b"message", b"dst", 255 * 64)
    assert len(output) == 255 * 64
    assert len({output[at : at + 64] for at in range(0, len(output), 64)}) == 255


def test_a_scalar_follows_from_its_own_tag() -> None:
    assert oprf.hash_to_scalar(b"x") != oprf.hash_to_scalar(b"x", b"another tag")
    assert oprf.hash_to_scalar(b"x") == oprf.hash_to_scalar(b"x", b"HashToScalar-" + oprf.CONTEXT)


def test_the_output_depends_on_input_and_key_and_not_on_the_blind() -> None:
    def evaluate(password: bytes, key: oprf.Scalar, seed: bytes) -> bytes:
        blind, blinded = oprf.blind(password, lambda size: hashlib.shake_256(seed).digest(size))
        return oprf.finalize(password, blind, oprf.blind_evaluate(key, blinded))

    first, second = oprf.derive_scalar(bytes(32), b"1"), oprf.derive_scalar(bytes(32), b"2")
    assert evaluate(b"a", first, b"x") == evaluate(b"a", first, b"y")
    assert len({evaluate(b"a", first, b"x"), evaluate(b"b", first, b"x"), evaluate(b"a", second, b"x")}) == 3


def test_the_identity_is_refused_on_both_sides() -> None:
    key = oprf.derive_scalar(bytes(32), b"")
    with pytest.raises(CryptoError):
        oprf.blind_evaluate(key, bytes(32))
    with pytest.raises(CryptoError):
        oprf.finalize(b"password", key, bytes(32))


def test_a_key_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 9497 §3.2.1: the counter goes on while the scalar is zero, at most 256 times.
    def zeros_first(count: int) -> list[int]:
        seen: list[int] = []

        def reduce(uniform: bytes) -> bytes:
            seen.append(len(uniform))
            return bytes(32) if len(seen) <= count else b"\x01" + bytes(31)

        monkeypatch.setattr(ristretto, "scalar_reduce", reduce)
        return seen

    seen = zeros_first(3)
    assert oprf.derive_scalar(bytes(32), b"").reveal() == b"\x01" + bytes(31)
    assert len(seen) == 4
    seen = zeros_first(1000)
    with pytest.raises(CryptoError):
        oprf.derive_scalar(bytes(32), b"")
    assert len(seen) == 256

"""Diffie-Hellman: what must be refused, and what comes out."""

import warnings

import pytest

from bad_points import bad_points
from entrenous.crypto import DH, FFDHE2048, X25519, DHPrivateKey, system_entropy
from entrenous.crypto.ffdhe import GENERATOR, PRIME, jacobi
from entrenous.errors import CryptoError, UsageError


@pytest.mark.parametrize("dh", [X25519, FFDHE2048], ids=lambda dh: dh.name)
def test_both_sides_agree_and_lengths_are_dhlen(dh: DH) -> None:
    alice, bob = dh.generate(system_entropy), dh.generate(system_entropy)
    shared = dh.exchange(alice.private, bob.public)
    assert shared == dh.exchange(bob.private, alice.public)
    assert len(shared) == len(alice.public) == len(bob.public) == dh.length
    assert dh.public(alice.private) == dh.public(alice.private.reveal()) == alice.public


@pytest.mark.parametrize("dh", [X25519, FFDHE2048], ids=lambda dh: dh.name)
def test_keys_come_from_the_entropy_alone(dh: DH) -> None:
    assert dh.generate(lambda size: b"\x11" * size) == dh.generate(lambda size: b"\x11" * size)
    assert dh.generate(system_entropy) != dh.generate(system_entropy)


@pytest.mark.parametrize("dh", [X25519, FFDHE2048], ids=lambda dh: dh.name)
def test_every_bad_point_is_refused(dh: DH) -> None:
    private = dh.generate(system_entropy).private
    for point in bad_points(dh):
        with pytest.raises(CryptoError):
            dh.exchange(private, point)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64, 256])
def test_public_keys_of_another_length_are_refused_by_x25519(size: int) -> None:
    with pytest.raises(CryptoError):
        X25519.exchange(X25519.generate(system_entropy).private, b"\x09" * size)


@pytest.mark.parametrize("dh", [X25519, FFDHE2048], ids=lambda dh: dh.name)
@pytest.mark.parametrize("size", [0, 31, 33])
def test_private_keys_of_another_length_are_our_bug(dh: DH, size: int) -> None:
    public = dh.generate(system_entropy).public
    with pytest.raises(UsageError):
        dh.public(bytes(size))
    with pytest.raises(UsageError):
        dh.exchange(DHPrivateKey(b"\xff" * size), public)


def test_ffdhe_refuses_what_only_the_library_finds_wrong() -> None:
    class Refusing:
        def exchange(self, _: object) -> bytes:
            raise ValueError

    private = DHPrivateKey(b"\x99" * 32)
    private.remember(FFDHE2048, Refusing())
    with pytest.raises(CryptoError):
        FFDHE2048.exchange(private, FFDHE2048.generate(system_entropy).public)


def test_a_key_parsed_by_one_function_is_parsed_anew_by_another() -> None:
    private = X25519.generate(lambda size: b"\x99" * size).private
    other = FFDHE2048.generate(system_entropy)
    shared = FFDHE2048.exchange(private, other.public)
    assert shared == FFDHE2048.exchange(other.private, FFDHE2048.public(DHPrivateKey(private.reveal())))
    assert X25519.exchange(private, X25519.public(private))


@pytest.mark.parametrize("y", [0, 1, PRIME - 1, PRIME, PRIME + 1, PRIME + GENERATOR, 2**2048 - 1])
def test_ffdhe_values_outside_the_range_are_refused(y: int) -> None:
    with pytest.raises(CryptoError):
        FFDHE2048.exchange(FFDHE2048.generate(system_entropy).private, y.to_bytes(256, "big"))


def test_ffdhe_quadratic_non_residues_are_refused() -> None:
    private = FFDHE2048.generate(system_entropy).private
    # p is 3 modulo 4, so the negative of a residue is no residue.
    for residue in (GENERATOR, 4, pow(GENERATOR, 12345, PRIME)):
        assert len(FFDHE2048.exchange(private, residue.to_bytes(256, "big"))) == 256
        with pytest.raises(CryptoError):
            FFDHE2048.exchange(private, (PRIME - residue).to_bytes(256, "big"))


@pytest.mark.parametrize("size", [0, 32, 255, 257])
def test_ffdhe_public_keys_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(CryptoError):
        FFDHE2048.exchange(FFDHE2048.generate(system_entropy).private, bytes(max(size - 1, 0)) + b"\x04"[:size])


@pytest.mark.parametrize("exponent", [0, 1])
def test_ffdhe_private_exponents_below_two_are_our_bug(exponent: int) -> None:
    with pytest.raises(UsageError):
        FFDHE2048.public(exponent.to_bytes(32, "big"))


def test_ffdhe_is_exponentiation_in_the_group_padded_to_256_bytes() -> None:
    exponent = 2**255 + 12345
    private = DHPrivateKey(exponent.to_bytes(32, "big"))
    assert FFDHE2048.public(private) == pow(GENERATOR, exponent, PRIME).to_bytes(256, "big")
    # Choose y so that the secret is 4: as short as a secret can be.
    y = pow(4, pow(exponent, -1, (PRIME - 1) // 2), PRIME)
    assert FFDHE2048.exchange(private, y.to_bytes(256, "big")) == bytes(255) + b"\x04"


def test_ffdhe_exponents_have_all_256_bits() -> None:
    assert FFDHE2048.generate(bytes).private.reveal() == b"\x80" + bytes(31)


def test_ffdhe_prime_is_the_one_of_rfc_7919() -> None:
    # RFC 7919 appendix A.1: p = 2^2048 - 2^1984 + {[2^1918 * e] + 560316} * 2^64 - 1.
    e = sum((1 << 2100) // factorial for factorial in factorials(400))
    assert 2**2048 - 2**1984 + ((e >> 2100 - 1918) + 560316) * 2**64 - 1 == PRIME


def factorials(count: int) -> list[int]:
    values = [1]
    for factor in range(1, count):
        values.append(values[-1] * factor)
    return values


def test_ffdhe_does_not_warn_when_used() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pair = FFDHE2048.generate(system_entropy)
        FFDHE2048.exchange(pair.private, pair.public)


def test_the_jacobi_symbol_is_legendres_for_a_prime() -> None:
    for prime in (3, 5, 7, 23, 10007):
        for a in range(-5, min(3 * prime, 300)):
            legendre = pow(a, (prime - 1) // 2, prime)
            assert jacobi(a, prime) == (-1 if legendre == prime - 1 else legendre)
    assert jacobi(6, 9) == 0
    assert jacobi(2, 15) == 1
    assert jacobi(7, 15) == -1

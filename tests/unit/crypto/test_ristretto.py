"""ristretto255: every back end, and what must be refused."""

from collections.abc import Callable
from functools import partial

import pytest

from entrenous.crypto import ristretto, ristretto_sodium, system_entropy
from entrenous.crypto.edwards import ORDER
from entrenous.crypto.ristretto_pynacl import PynaclRistretto
from entrenous.crypto.ristretto_sodium import SodiumRistretto
from entrenous.errors import CryptoError, UnavailableError, UsageError

IDENTITY = bytes(32)
GENERATOR = ristretto.multiply_base((1).to_bytes(32, "little"))


def fixed(value: bytes, _: int) -> bytes:
    return value


def scalar(value: int) -> bytes:
    return (value % ORDER).to_bytes(32, "little")


@pytest.fixture(params=["libsodium", "pynacl"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ristretto.RistrettoBackend:
    chosen: ristretto.RistrettoBackend
    if request.param == "libsodium":
        try:
            chosen = SodiumRistretto()
        except UnavailableError as error:
            pytest.skip(str(error))
    else:
        chosen = PynaclRistretto()
    monkeypatch.setattr(ristretto, "backend", lambda: chosen)
    return chosen


@pytest.mark.usefixtures("backend")
class TestOnEveryBackEnd:
    """The group's laws and refusals."""

    def test_multiplication_is_associative_and_commutative(self) -> None:
        a, b = ristretto.random_scalar(system_entropy), ristretto.random_scalar(system_entropy)
        element = ristretto.from_uniform_bytes(system_entropy(64))
        both = ristretto.multiply(a, ristretto.multiply(b, element))
        assert both == ristretto.multiply(b, ristretto.multiply(a, element))
        assert both == ristretto.multiply(ristretto.scalar_mul(a, b), element)

    def test_a_blind_comes_off(self) -> None:
        blind = ristretto.random_scalar(system_entropy)
        element = ristretto.from_uniform_bytes(system_entropy(64))
        blinded = ristretto.multiply(blind, element)
        assert blinded != element
        assert ristretto.multiply(ristretto.scalar_invert(blind), blinded) == element

    def test_the_last_multiple_is_the_negative_of_the_first(self) -> None:
        last = ristretto.multiply_base(scalar(-1))
        assert last == ristretto.multiply(scalar(-1), GENERATOR)
        assert last != GENERATOR
        assert ristretto.multiply(scalar(-1), last) == GENERATOR

    def test_the_identity_is_refused_in_and_out(self) -> None:
        assert not ristretto.is_valid(IDENTITY)
        attempts: list[Callable[[], bytes]] = [
            lambda: ristretto.multiply(scalar(1), IDENTITY),
            lambda: ristretto.multiply(scalar(0), GENERATOR),
            lambda: ristretto.multiply_base(scalar(0)),
        ]
        for refused in attempts:
            with pytest.raises(CryptoError):
                refused()

    def test_elements_of_another_length_are_refused(self) -> None:
        for wrong in (b"", GENERATOR[:-1], GENERATOR + b"\0", GENERATOR * 2):
            assert not ristretto.is_valid(wrong)
            with pytest.raises(CryptoError):
                ristretto.multiply(scalar(1), wrong)

    def test_every_element_has_one_encoding(self) -> None:
        prime = 2**255 - 19
        element = ristretto.from_uniform_bytes(system_entropy(64))
        s = int.from_bytes(element, "little")
        # The negative of s, then the even number above the prime that stands for it, then s with its unused bit set.
        for other in (prime - s, 2 * prime - s, s + 2**255):
            encoding = other.to_bytes(32, "little")
            assert not ristretto.is_valid(encoding)
            with pytest.raises(CryptoError):
                ristretto.multiply(scalar(1), encoding)

    def test_scalars_that_are_not_canonical_are_our_bug(self) -> None:
        for wrong in (b"", bytes(31), bytes(33), ORDER.to_bytes(32, "little"), b"\xff" * 32):
            assert not ristretto.is_scalar(wrong)
            attempts: list[Callable[[bytes], bytes]] = [
                lambda s: ristretto.multiply(s, GENERATOR),
                ristretto.multiply_base,
                ristretto.scalar_invert,
                lambda s: ristretto.scalar_mul(s, scalar(1)),
                lambda s: ristretto.scalar_mul(scalar(1), s),
                lambda s: ristretto.scalar_add(s, scalar(1)),
                lambda s: ristretto.scalar_add(scalar(1), s),
            ]
            for refused in attempts:
                with pytest.raises(UsageError):
                    refused(wrong)

    def test_elements_are_derived_from_64_bytes_only(self) -> None:
        assert ristretto.is_valid(ristretto.from_uniform_bytes(bytes(range(64))))
        for size in (0, 32, 63, 65):
            with pytest.raises(UsageError):
                ristretto.from_uniform_bytes(bytes(size))

    def test_an_element_derived_as_the_identity_is_refused(self) -> None:
        with pytest.raises(CryptoError):
            ristretto.from_uniform_bytes(bytes(64))


def test_the_python_decoder_takes_no_number_above_the_prime() -> None:
    prime = 2**255 - 19
    pynacl = PynaclRistretto()
    for number in range(1, 20):
        s = int.from_bytes(pynacl.multiply_base(scalar(number)), "little")
        assert pynacl.is_canonical(s.to_bytes(32, "little"))
        assert not pynacl.is_canonical((2 * prime - s).to_bytes(32, "little"))
    assert not any(pynacl.is_canonical((prime + k).to_bytes(32, "little")) for k in range(19))


def test_back_ends_agree_on_random_inputs() -> None:
    try:
        sodium = SodiumRistretto()
    except UnavailableError as error:
        pytest.skip(str(error))
    pynacl = PynaclRistretto()
    for number in range(50):
        uniform = bytes((number,)) * 32 + system_entropy(32)
        element = sodium.from_uniform_bytes(uniform)
        assert pynacl.from_uniform_bytes(uniform) == element
        factor = ristretto.random_scalar(system_entropy)
        assert pynacl.multiply(factor, element) == sodium.multiply(factor, element)
        assert pynacl.multiply_base(factor) == sodium.multiply_base(factor)
        candidate = bytes((number * 2,)) + system_entropy(30) + b"\x10"
        assert pynacl.is_canonical(candidate) == sodium.is_canonical(candidate)


def test_scalar_arithmetic_is_that_of_integers_modulo_the_order() -> None:
    for a, b in ((0, 1), (1, ORDER - 1), (2**252, 2**251 + 99), (ORDER - 1, ORDER - 1), (12345, 2**200)):
        assert ristretto.scalar_add(scalar(a), scalar(b)) == scalar(a + b)
        assert ristretto.scalar_mul(scalar(a), scalar(b)) == scalar(a * b)
    assert ristretto.scalar_invert(scalar(7)) == scalar(pow(7, -1, ORDER))
    for uniform in (0, 1, ORDER, ORDER + 5, 2**512 - 1):
        assert ristretto.scalar_reduce(uniform.to_bytes(64, "little")) == scalar(uniform)
    for size in (0, 32, 63, 65):
        with pytest.raises(UsageError):
            ristretto.scalar_reduce(bytes(size))


def test_zero_has_no_inverse() -> None:
    with pytest.raises(UsageError):
        ristretto.scalar_invert(scalar(0))


def test_a_random_scalar_is_never_zero() -> None:
    assert ristretto.random_scalar(lambda _: (ORDER + 5).to_bytes(64, "little")) == scalar(5)
    for zero in (bytes(64), ORDER.to_bytes(64, "little")):
        with pytest.raises(UsageError):
            ristretto.random_scalar(partial(fixed, zero))


def test_without_a_libsodium_the_bundled_one_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ristretto_sodium, "_LINUX_NAMES", ("libno-such-thing.so",))
    monkeypatch.setattr(ristretto_sodium, "_NAMES", {})
    with pytest.raises(UnavailableError):
        SodiumRistretto()
    ristretto.backend.cache_clear()
    try:
        assert ristretto.backend_name() == "pynacl"
    finally:
        ristretto.backend.cache_clear()


def test_a_libsodium_without_ristretto_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ristretto_sodium, "_NAMES", {})
    monkeypatch.setattr(ristretto_sodium, "_FUNCTIONS", {"crypto_core_no_such_group": 1})
    with pytest.raises(UnavailableError):
        SodiumRistretto()


def test_a_libsodium_that_does_not_start_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def sodium_init(self) -> int:
            return -1

    monkeypatch.setattr(ristretto_sodium, "_load", Broken)
    with pytest.raises(UnavailableError):
        SodiumRistretto()

"""ristretto255 against RFC 9496's appendix, on every back end."""

import pytest

from conftest import Vectors
from entrenous.crypto import ristretto
from entrenous.crypto.ristretto_pynacl import PynaclRistretto
from entrenous.crypto.ristretto_sodium import SodiumRistretto
from entrenous.errors import CryptoError, UnavailableError

#: RFC 9496 appendix A.3: SHA-512 inputs are in the RFC; these are four of its derived elements.
DERIVED = [
    (
        "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
        "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
    ),
    (
        "f116b34b8f17ceb56e8732a60d913dd10cce47a6d53bee9204be8b44f6678b27"
        "0102a56902e2488c46120e9276cfe54638286b9e4b3cdb470b542d46c2068d38",
        "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
    ),
]


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


def test_multiples_of_the_generator_are_those_of_rfc_9496(
    vectors: Vectors, backend: ristretto.RistrettoBackend
) -> None:
    multiples = [bytes.fromhex(h) for h in vectors.load("oprf/ristretto255-rfc9496.json")["generator_multiples"]]
    assert multiples[0] == bytes(32)
    for factor, expected in enumerate(multiples[1:], start=1):
        scalar = factor.to_bytes(32, "little")
        assert ristretto.multiply_base(scalar) == expected
        assert ristretto.multiply(scalar, multiples[1]) == expected
        assert ristretto.is_valid(expected)
    assert len(multiples) == 16
    assert ristretto.backend_name() == backend.name


@pytest.mark.usefixtures("backend")
def test_every_bad_encoding_of_rfc_9496_is_refused(vectors: Vectors) -> None:
    encodings = [bytes.fromhex(h) for h in vectors.load("oprf/ristretto255-rfc9496.json")["invalid_encodings"]]
    one = (1).to_bytes(32, "little")
    for encoding in encodings:
        assert not ristretto.is_valid(encoding)
        with pytest.raises(CryptoError):
            ristretto.multiply(one, encoding)
    assert len(encodings) == 29


@pytest.mark.usefixtures("backend")
def test_derived_elements_are_those_of_rfc_9496() -> None:
    for uniform, expected in DERIVED:
        assert ristretto.from_uniform_bytes(bytes.fromhex(uniform)).hex() == expected

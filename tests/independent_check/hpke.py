"""docs/spec/groups.md, "Numbers": HPKE's base mode (RFC 9180) with X-Wing, HKDF-SHA384 and AES-256-GCM."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from independent_check import mlkem
from independent_check.forms import CryptoError, Fields, expand, seal, uint, unseal
from independent_check.keys import X25519, check_kem_key, decapsulate, kem_public

KEM_KEY, KEM_CIPHERTEXT = 1184, 1088


class Hpke:
    """Base mode of RFC 9180 with X-Wing, HKDF-SHA384 and AES-256-GCM."""

    SUITE = b"HPKE" + bytes.fromhex("647a00020002")

    def __init__(self, shared: bytes, info: bytes) -> None:
        hashes = self._extract(b"", b"psk_id_hash", b"") + self._extract(b"", b"info_hash", info)
        secret = self._extract(shared, b"secret", b"")
        self.key, self.nonce = (
            self._expand(secret, *each, b"\0" + hashes) for each in ((b"key", 32), (b"base_nonce", 12))
        )

    def _extract(self, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(48), b"HPKE-v1" + self.SUITE + label + ikm, "sha384")

    def _expand(self, secret: bytes, label: bytes, size: int, info: bytes) -> bytes:
        return expand("sha384", secret, uint(size, 2) + b"HPKE-v1" + self.SUITE + label + info, size)


def _combined(kem_secret: bytes, dh_secret: bytes, ephemeral: bytes, public: bytes) -> bytes:
    """X-Wing's combiner; its label is a picture of a fighter."""
    return hashlib.sha3_256(kem_secret + dh_secret + ephemeral + public + b"\\./" + b"/^\\").digest()


@dataclass
class KeyPair:
    """X-Wing's, of a seed."""

    seed: bytes

    def __post_init__(self) -> None:
        both = hashlib.shake_256(self.seed).digest(96)
        self.kem_seed, self.private = both[:64], both[64:]
        self.dh_public = X25519().public(self.private)
        self.public = kem_public(self.kem_seed) + self.dh_public

    @classmethod
    def derive(cls, ikm: bytes) -> "KeyPair":
        """DeriveKeyPair of draft-ietf-hpke-pq."""
        tail = b"HPKE-v1KEM" + bytes.fromhex("647a000d") + b"DeriveKeyPair" + uint(32, 2)
        return cls(hashlib.shake_256(ikm + tail).digest(32))

    def open(self, output: bytes, info: bytes, ciphertext: bytes) -> bytes:
        if len(output) != KEM_CIPHERTEXT + 32 or len(ciphertext) < 16:
            raise CryptoError
        kem_output, ephemeral = output[:KEM_CIPHERTEXT], output[KEM_CIPHERTEXT:]
        secret = X25519().secret(self.private, ephemeral)
        hpke = Hpke(_combined(decapsulate(self.kem_seed, kem_output), secret, ephemeral, self.dh_public), info)
        return unseal(hpke.key, hpke.nonce, ciphertext, b"")


def hpke_open(given: Fields) -> dict[str, Any]:
    pair = KeyPair.derive(given.hex("ikm"))
    plaintext = pair.open(given.hex("kem_output"), given.hex("info"), given.hex("ciphertext"))
    return {"private_key": pair.seed.hex(), "public_key": pair.public.hex(), "plaintext": plaintext.hex()}


def hpke_seal(given: Fields) -> dict[str, Any]:
    public, drawn, dh = given.hex("public_key"), given.hex("encapsulation"), X25519()
    if len(public) != KEM_KEY + 32:
        raise CryptoError
    kem_key, dh_key = public[:KEM_KEY], public[KEM_KEY:]
    check_kem_key(kem_key)
    kem_secret, kem_output = mlkem.encapsulate(drawn[:32], kem_key)
    ephemeral = dh.public(drawn[32:])
    hpke = Hpke(_combined(kem_secret, dh.secret(drawn[32:], dh_key), ephemeral, dh_key), given.hex("info"))
    sealed = seal(hpke.key, hpke.nonce, given.hex("plaintext"), b"")
    return {"kem_output": (kem_output + ephemeral).hex(), "ciphertext": sealed.hex()}

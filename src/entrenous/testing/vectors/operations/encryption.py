"""docs/spec/groups.md, "Numbers": HPKE in the suite of rooms, which has no official vectors yet."""

from collections.abc import Mapping
from typing import Any

from entrenous.crypto import HPKE_XWING_SHA384_AES256, MLKEM768, AeadId, Hash, HpkeSuite
from entrenous.crypto.xwing import XWing, derive_seed_hpke_pq
from entrenous.testing.vectors.encapsulation import seeded_encapsulator
from entrenous.testing.vectors.entropy import named
from entrenous.testing.vectors.form import Given

#: The same suite, with an encapsulation that entropy decides.
_SEEDED = HpkeSuite(
    XWing(derive_seed_hpke_pq, MLKEM768.with_encapsulator(seeded_encapsulator)), Hash.SHA384, AeadId.AES_256_GCM
)


def unseal(given: Given) -> Mapping[str, Any]:
    """Derive a key pair, and open what was sealed to it (SetupBaseR, then Open)."""
    pair = HPKE_XWING_SHA384_AES256.derive_key_pair(given.hex("ikm"))
    plaintext = HPKE_XWING_SHA384_AES256.open(
        pair.private, given.hex("kem_output"), given.hex("info"), b"", given.hex("ciphertext")
    )
    return {"private_key": pair.private.reveal().hex(), "public_key": pair.public.hex(), "plaintext": plaintext.hex()}


def seal(given: Given) -> Mapping[str, Any]:
    """Seal to a public key with named randomness: of ML-KEM, then of X25519, 32 bytes each."""
    drawn = given.hex("encapsulation")
    kem_output, ciphertext = _SEEDED.seal(
        given.hex("public_key"), given.hex("info"), b"", given.hex("plaintext"), named(drawn[:32], drawn[32:])
    )
    return {"kem_output": kem_output.hex(), "ciphertext": ciphertext.hex()}

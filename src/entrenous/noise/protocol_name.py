"""Protocol names: "Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256" and what its parts stand for (Noise rev 34 §8)."""

from dataclasses import dataclass
from functools import lru_cache

from entrenous.crypto import DH, FFDHE2048, KEM, MLKEM768, X25519, AeadId, Hash
from entrenous.errors import UsageError
from entrenous.noise.patterns import HandshakePattern, parse_pattern

#: What we implement of each part. One line here is all that another function needs.
DH_FUNCTIONS: dict[str, DH] = {"25519": X25519, "FFDHE2048": FFDHE2048}
KEM_FUNCTIONS: dict[str, KEM] = {"MLKEM768": MLKEM768.for_ephemeral_keys()}
CIPHERS = {"AESGCM": AeadId.AES_256_GCM}
HASHES = {"SHA256": Hash.SHA256}


@dataclass(frozen=True, slots=True)
class NoiseProtocol:
    """A protocol name and the functions it names.

    Attributes:
        name: as both parties hash it.
        pattern: who sends what.
        dh: the Diffie-Hellman function.
        kem: the KEM of the hfs modifier; None without it.
        aead: the cipher.
        hash_function: the hash.
    """

    name: str
    pattern: HandshakePattern
    dh: DH
    kem: KEM | None
    aead: AeadId
    hash_function: Hash


@lru_cache(maxsize=128)
def parse_protocol_name(name: str) -> NoiseProtocol:
    """Look up every part of ``name``.

    Raises:
        UsageError: it is not a Noise protocol name, or names something we do not implement.
    """
    parts = name.split("_")
    if len(parts) != 5 or parts[0] != "Noise":
        raise UsageError(f"{name!r} is not a Noise protocol name")
    pattern = parse_pattern(parts[1])
    dh_name, plus, kem_name = parts[2].partition("+")
    # hfs §5: with the modifier the DH section carries a KEM's name, without it none
    if bool(plus) != pattern.uses_kem:
        raise UsageError(f"{name!r} needs both hfs and a KEM, or neither")
    try:
        kem = KEM_FUNCTIONS[kem_name] if plus else None
        return NoiseProtocol(name, pattern, DH_FUNCTIONS[dh_name], kem, CIPHERS[parts[3]], HASHES[parts[4]])
    except KeyError as missing:
        raise UsageError(f"{name!r}: {missing.args[0]!r} is not implemented") from None

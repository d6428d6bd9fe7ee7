"""NATS's keys: an Ed25519 seed in base32 with a checksum, alone in a file or in a file of credentials with a token."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from pathlib import Path

from entrenous.crypto import SigningKey
from entrenous.errors import UnavailableError

#: The first bits of a seed and of a user's key: the letters S and U in base32.
_SEED, _USER = 18 << 3, 20 << 3
_SEED_SIZE = 32
_SEED_LINE = re.compile(r"\bSU[A-Z2-7]{56}\b")
_TOKEN_BLOCK = re.compile(r"BEGIN NATS USER JWT-+\s+(\S+)\s")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a client of NATS is.

    Attributes:
        public: the key's public half, as NATS writes it.
        jwt: the token that says what the key may do; None where the server's own configuration says it.
    """

    key: SigningKey = field(repr=False)
    public: str
    jwt: bytes | None = field(default=None, repr=False)

    def sign(self, nonce: str) -> bytes:
        """The answer to a server's challenge."""
        return base64.b64encode(self.key.sign(nonce.encode()))


def read_credentials(*, creds: Path | None, nkey: Path | None) -> Credentials | None:
    """The credentials in a file; None if none is named.

    Raises:
        UnavailableError: the file cannot be read, or holds none.
    """
    path = creds or nkey
    if path is None:
        return None
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(f"the bus's credentials {path} cannot be read") from error
    seed, token = _SEED_LINE.search(text), _TOKEN_BLOCK.search(text)
    if seed is None or (creds is not None and token is None):
        raise UnavailableError(f"{path} holds no credentials of a NATS user")
    key = _key(seed.group(), path)
    return Credentials(key, _written(key.public), token.group(1).encode() if creds and token else None)


def _key(seed: str, path: Path) -> SigningKey:
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    body, checksum = raw[:-2], raw[-2:]
    kind = (body[0] & 7) << 5 | body[1] >> 3
    if body[0] & 0xF8 != _SEED or kind != _USER or len(body) != _SEED_SIZE + 2 or _checksum(body) != checksum:
        raise UnavailableError(f"the key in {path} is damaged")
    return SigningKey.from_seed(body[2:])


def _written(public: bytes) -> str:
    body = bytes([_USER]) + public
    return base64.b32encode(body + _checksum(body)).decode().rstrip("=")


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(2, "little")

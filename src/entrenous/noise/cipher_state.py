"""CipherState: one AEAD key and the counter of what it sealed (Noise rev 34 §5.1, §12.4, §11.3)."""

from entrenous.crypto import AeadId, AeadKey
from entrenous.errors import MalformedError, UsageError

#: The longest Noise message in bytes, tag included (§3: "All Noise messages are less than or equal to 65535 bytes").
MAX_MESSAGE = 65_535

#: Bytes by which a sealed message is longer than its plaintext (§4.2).
TAG_SIZE = 16

#: Bytes of every cipher key (§4.2).
KEY_SIZE = 32

#: The last counter, which no message may use: Rekey() does (§5.1, §4.2).
RESERVED_NONCE = 2**64 - 1

#: Bytes of a nonce (§12.4: "encoding 32 bits of zeros followed by big-endian encoding of n").
NONCE_SIZE = 12
_REKEY_NONCE = RESERVED_NONCE.to_bytes(NONCE_SIZE, "big")


class CipherState:
    """Seals or opens a series of messages under implicit counters 0, 1, 2, ...

    Without a key it passes bytes through, which happens only inside a handshake, before the first MixKey.
    """

    __slots__ = ("_key", "_nonce", "aead")

    def __init__(self, aead: AeadId, key: bytes | None = None) -> None:
        self.aead = aead
        self._key = None if key is None else AeadKey(aead, key)
        self._nonce = 0

    @property
    def has_key(self) -> bool:
        """Whether messages are encrypted."""
        return self._key is not None

    @property
    def nonce(self) -> int:
        """The counter of the next message."""
        return self._nonce

    def encrypt_with_ad(self, ad: bytes, plaintext: bytes) -> bytes:
        """Seal the next message.

        Raises:
            UsageError: the result would exceed ``MAX_MESSAGE``, or the counter is used up.
        """
        if self._key is None:
            return plaintext
        if len(plaintext) > MAX_MESSAGE - TAG_SIZE:
            raise UsageError(f"a Noise message carries at most {MAX_MESSAGE - TAG_SIZE} bytes, not {len(plaintext)}")
        number = self._nonce
        if number >= RESERVED_NONCE:
            raise _used_up()
        ciphertext = self._key.seal(number.to_bytes(NONCE_SIZE, "big"), plaintext, ad)
        self._nonce = number + 1
        return ciphertext

    def decrypt_with_ad(self, ad: bytes, ciphertext: bytes) -> bytes:
        """Open the next message. If it fails, the counter stays (§5.1).

        Raises:
            MalformedError: ``ciphertext`` is shorter than a tag or longer than ``MAX_MESSAGE``.
            CryptoError: it is not the next message under this key.
            UsageError: the counter is used up.
        """
        if self._key is None:
            return ciphertext
        if not TAG_SIZE <= len(ciphertext) <= MAX_MESSAGE:
            raise MalformedError(f"no Noise message has {len(ciphertext)} bytes")
        number = self._nonce
        if number >= RESERVED_NONCE:
            raise _used_up()
        plaintext = self._key.open(number.to_bytes(NONCE_SIZE, "big"), ciphertext, ad)
        self._nonce = number + 1
        return plaintext

    def rekey(self) -> None:
        """Replace the key by a one-way function of itself (REKEY, §4.2); the counter goes on (§11.3).

        Raises:
            UsageError: there is no key.
        """
        if self._key is None:
            raise UsageError("a CipherState without a key cannot rekey")
        sealed = self._key.seal(_REKEY_NONCE, bytes(KEY_SIZE), b"")
        self._key = AeadKey(self.aead, sealed[:KEY_SIZE])

    def exhaust(self) -> None:
        """Forbid further use, as for the direction that a one-way pattern does not have (§7.4)."""
        self._nonce = RESERVED_NONCE

    def __repr__(self) -> str:
        return f"CipherState({self.aead.name if self._key else 'no key'}, nonce={self._nonce})"


def _used_up() -> UsageError:
    """§5.1: "if incrementing n results in 2^64-1, then any further calls signal an error"."""
    return UsageError("this CipherState may not be used any more")

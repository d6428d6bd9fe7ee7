"""SymmetricState: the chaining key and the transcript hash (Noise rev 34 §5.2)."""

from entrenous.crypto import AeadId, Hash, hkdf
from entrenous.errors import UsageError
from entrenous.noise.cipher_state import KEY_SIZE, TAG_SIZE, CipherState
from entrenous.trace import SILENT, Trace

#: Bytes of every pre-shared key (§9.1).
PSK_SIZE = 32


class SymmetricState:
    """Everything both parties have mixed so far: ``ck``, ``h`` and the current handshake key."""

    __slots__ = ("_aead", "_ck", "_h", "_hash", "_trace", "cipher")

    def __init__(self, protocol_name: bytes, aead: AeadId, hash_function: Hash, trace: Trace = SILENT) -> None:
        self._aead = aead
        self._hash = hash_function
        self._trace = trace
        # §5.2: a name of at most HASHLEN bytes is padded with zeros, a longer one is hashed
        short = len(protocol_name) <= hash_function.size
        self._h = protocol_name.ljust(hash_function.size, b"\0") if short else hash_function.digest(protocol_name)
        self._ck = self._h
        self.cipher = CipherState(aead)

    @property
    def handshake_hash(self) -> bytes:
        """``h``: binds everything said so far; after the handshake, the channel binding (§11.2)."""
        return self._h

    @property
    def overhead(self) -> int:
        """Bytes that the next encrypt_and_hash adds."""
        return TAG_SIZE if self.cipher.has_key else 0

    def mix_key(self, input_key_material: bytes, source: str) -> None:
        """Mix a secret, named ``source`` for the trace, into ``ck`` and start a new handshake key."""
        ck, key = self._derive(input_key_material, 2)
        self._chain(ck, source)
        self._trace.derived("k", key[:KEY_SIZE], "ck", source)
        self.cipher = CipherState(self._aead, key[:KEY_SIZE])

    def mix_hash(self, data: bytes) -> None:
        """Mix public bytes into ``h``."""
        self._h = self._hash.digest(self._h, data)

    def mix_key_and_hash(self, psk: bytes) -> None:
        """Mix a pre-shared key into ``ck``, ``h`` and the handshake key (§9.2).

        Raises:
            UsageError: ``psk`` has not 32 bytes.
        """
        if len(psk) != PSK_SIZE:
            raise UsageError(f"a pre-shared key has {PSK_SIZE} bytes, not {len(psk)}")
        ck, temp_h, key = self._derive(psk, 3)
        self._chain(ck, "psk")
        self.mix_hash(temp_h)
        self.cipher = CipherState(self._aead, key[:KEY_SIZE])

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        """Seal under the handshake key with ``h`` as associated data, then mix the result into ``h``."""
        ciphertext = self.cipher.encrypt_with_ad(self._h, plaintext)
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        """The reverse of encrypt_and_hash.

        Raises:
            MalformedError: ``ciphertext`` cannot hold a tag.
            CryptoError: it is not what the peer sealed after the same transcript.
        """
        plaintext = self.cipher.decrypt_with_ad(self._h, ciphertext)
        self.mix_hash(ciphertext)
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        """The transport ciphers: first initiator to responder, then responder to initiator.

        ``ck`` is forgotten, since it would give away the transport keys, also those that rekey() has replaced.
        """
        first, second = (key[:KEY_SIZE] for key in self._derive(b"", 2))
        self._trace.derived("k initiator", first, "ck")
        self._trace.derived("k responder", second, "ck")
        self._ck = b""
        self.cipher = CipherState(self._aead)
        return CipherState(self._aead, first), CipherState(self._aead, second)

    def _derive(self, input_key_material: bytes, outputs: int) -> list[bytes]:
        # §4.3: Noise's HKDF is RFC 5869's with the chaining key as salt and an empty info
        size = self._hash.size
        output = hkdf(self._hash, self._ck, input_key_material, b"", outputs * size)
        return [output[start : start + size] for start in range(0, len(output), size)]

    def _chain(self, ck: bytes, source: str) -> None:
        self._ck = ck
        self._trace.derived("ck", ck, "ck", source)

    def __repr__(self) -> str:
        return f"SymmetricState({self._hash.name}, {self.cipher!r})"

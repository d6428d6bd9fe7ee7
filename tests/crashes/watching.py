"""What all processes of a run write down as it happens, in memory that outlives each of them.

Every key and nonce that somebody seals with, every key of a ratchet, and every KeyPackage that the server hands out.
"""

import contextlib
import hashlib
import mmap
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from entrenous.client.reaching import PatientCaller
from entrenous.crypto import AeadId
from entrenous.mls.types import MLSMessage, PrivateMessage
from entrenous.trace import Field
from entrenous.wire import replies, requests

R = TypeVar("R", bound=replies.Reply)

_DIGEST, _NONCE = 32, 12
_SIZE = 1 + _DIGEST + _DIGEST + _NONCE
#: Bytes of memory for the notes of one run, and of the number of those that are used.
_MEMORY, _HEAD = 4 << 20, 8
_SEALED, _MESSAGE_KEY, _SENT, _HANDED_OUT = b"S", b"M", b"E", b"K"


class Notes:
    """Memory that the processes of a run share. A death takes nothing of it, and no two of them work at a time."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _MEMORY)
        self._put_end(_HEAD)

    def sealed(self, key: bytes, nonce: bytes, ciphertext: bytes) -> None:
        """Somebody seals under AES-256-GCM."""
        self._add(_SEALED, key, ciphertext, nonce)

    def sent(self, entry: bytes) -> None:
        """Somebody gives an entry to the connection to the server."""
        message = MLSMessage.decode(entry).body
        assert isinstance(message, PrivateMessage)
        self._add(_SENT, message.ciphertext)

    def handed_out(self, key_package: bytes) -> None:
        """Somebody was given a KeyPackage that is to be given once."""
        self._add(_HANDED_OUT, key_package)

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """As a Trace: a key of a ratchet, under which at most one message is to be sent, ever."""
        del inputs
        if name == "message_key":
            self._add(_MESSAGE_KEY, secret)

    def step(self, name: str, **fields: Field) -> None:
        """As a Trace; not of interest."""

    def check(self) -> None:
        """Hold everything that was written down against the rules.

        Raises:
            AssertionError: a nonce was used twice under one key, a ratchet's key for two messages that were sent, or a
                KeyPackage was handed out twice.
        """
        sealed = self._read(_SEALED)
        pairs = Counter((key, nonce) for key, _, nonce in sealed)
        assert pairs, "nobody has sealed anything"
        assert max(pairs.values()) == 1, "a nonce was used twice under one key"
        # A message's nonce carries a random guard (RFC 9420 §6.3.2), which would hide that its key was used twice. What
        # was sealed and neither kept nor sent, by a process that died at that, has shown nothing to anybody.
        message_keys = {key for key, _, _ in self._read(_MESSAGE_KEY)}
        sent = {ciphertext for ciphertext, _, _ in self._read(_SENT)}
        uses = Counter(key for key, ciphertext, _ in sealed if key in message_keys and ciphertext in sent)
        assert len(sent) == uses.total(), "a message was sent that nobody sealed under a ratchet's key"
        assert max(uses.values(), default=0) <= 1, "a ratchet's key was used for two messages"
        claims = Counter(self._read(_HANDED_OUT))
        assert max(claims.values(), default=0) <= 1, "a KeyPackage was handed out twice"

    def packages_handed_out(self) -> set[bytes]:
        """The digests of all of them."""
        return {digest for digest, _, _ in self._read(_HANDED_OUT)}

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()

    def _add(self, kind: bytes, first: bytes, second: bytes = b"", nonce: bytes = bytes(_NONCE)) -> None:
        end = self._end()
        assert end + _SIZE <= _MEMORY, "the notes are full"
        self._memory[end : end + _SIZE] = kind + digest_of(first) + digest_of(second) + nonce
        self._put_end(end + _SIZE)

    def _read(self, kind: bytes) -> list[tuple[bytes, bytes, bytes]]:
        found = []
        for at in range(_HEAD, self._end(), _SIZE):
            record = self._memory[at : at + _SIZE]
            if record[:1] == kind:
                found.append((record[1:33], record[33:65], record[65:]))
        return found

    def _end(self) -> int:
        return int.from_bytes(self._memory[:_HEAD], "big")

    def _put_end(self, end: int) -> None:
        self._memory[:_HEAD] = end.to_bytes(_HEAD, "big")


def digest_of(value: bytes) -> bytes:
    """What stands for a value in the notes."""
    return hashlib.sha256(value).digest()


@contextlib.contextmanager
def watched() -> Iterator[Notes]:
    """Write down what happens in this process, and in those that it forks, and check it at the end."""
    notes = Notes()

    class WatchedCipher:
        def __init__(self, key: bytes) -> None:
            self._key = bytes(key)
            self._real = AESGCM(self._key)

        def encrypt(self, nonce: bytes, data: bytes, aad: bytes | None) -> bytes:
            ciphertext = self._real.encrypt(nonce, data, aad)
            notes.sealed(self._key, bytes(nonce), ciphertext)
            return ciphertext

        def decrypt(self, nonce: bytes, data: bytes, aad: bytes | None) -> bytes:
            return self._real.decrypt(nonce, data, aad)

    call = PatientCaller.call

    async def watched_call(self: PatientCaller, request: requests.Request, expected: type[Any]) -> Any:
        if isinstance(request, requests.Publish | requests.Commit):
            notes.sent(request.entry)
        reply = await call(self, request, expected)
        if isinstance(reply, replies.KeyPackages):
            for one in reply.packages:
                if not one.last_resort:
                    notes.handed_out(one.key_package)
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AeadId.AES_256_GCM, "cipher", WatchedCipher)
        patch.setattr(PatientCaller, "call", watched_call)
        try:
            yield notes
            notes.check()
        finally:
            notes.close()

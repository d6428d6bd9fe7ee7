"""Records: what travels after the handshake, u16 length | AES-256-GCM ciphertext (protocol §1).

The first plaintext byte is the kind. Counters are implicit and run per direction, so a record that is replayed,
reordered, reflected or left out does not open. Handshake messages stand in the same u16 frames. A frame of length
zero is the alert: it says that its sender gave up and never why. Nobody authenticates it; who can forge it could
cut the line as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from entrenous.channel.buffer import ByteQueue
from entrenous.errors import MalformedError, RejectedError, UsageError
from entrenous.noise import MAX_MESSAGE, TAG_SIZE, CipherState
from entrenous.trace import SILENT, Trace

#: Bytes of a frame's length.
HEADER_SIZE = 2
#: The generic alert.
ALERT = bytes(HEADER_SIZE)
#: Bytes of a record beside its body: the kind and the tag.
OVERHEAD = 1 + TAG_SIZE
#: The most one record carries, in bytes.
MAX_BODY = MAX_MESSAGE - OVERHEAD


class Kind(IntEnum):
    """What a record is for: its first plaintext byte."""

    DATA = 0
    REKEY = 1
    CLOSE = 2
    PADDING = 3


_DATA, _REKEY, _CLOSE, _PADDING = (bytes((kind,)) for kind in Kind)
_KIND_OF = {int(kind): kind for kind in Kind}


class Record(NamedTuple):
    """An opened record."""

    kind: Kind
    body: memoryview


@dataclass(frozen=True, slots=True)
class RekeyPolicy:
    """How long a key lives.

    Attributes:
        send_records: records after which a sender changes its key.
        send_seconds: the same in time, for a key that was used at all.
        receive_records: records after which a receiver refuses to go on under one key.
    """

    send_records: int = 2**16
    send_seconds: float = 900
    receive_records: int = 2**17


DEFAULT_REKEY_POLICY = RekeyPolicy()


def frame(message: bytes) -> bytes:
    """``message`` behind its u16 length."""
    return len(message).to_bytes(HEADER_SIZE, "big") + message


def take_frame(queue: ByteQueue, *, minimum: int, maximum: int) -> bytes | None:
    """The next whole frame's content, or None while it is not all there.

    Raises:
        RejectedError: rule CHAN-ALERT, the peer gave up.
        MalformedError: its length is below ``minimum`` or above ``maximum``.
    """
    length = queue.peek_uint(HEADER_SIZE)
    if length is None:
        return None
    if length == 0:
        raise RejectedError("CHAN-ALERT", "the other side gave up on this connection")
    if not minimum <= length <= maximum:
        raise MalformedError(f"a frame of {length} bytes where {minimum} to {maximum} are due")
    if len(queue) < HEADER_SIZE + length:
        return None
    return queue.take(length, skip=HEADER_SIZE)


class RecordWriter:
    """Seals one direction. The key changes by itself when its time has come."""

    __slots__ = ("_cipher", "_count", "_key_since", "_policy", "_trace")

    def __init__(self, cipher: CipherState, policy: RekeyPolicy, now: float, trace: Trace = SILENT) -> None:
        self._cipher = cipher
        self._policy = policy
        self._key_since = now
        self._count = 0
        self._trace = trace

    def data(self, parts: Iterable[bytes | memoryview], now: float) -> bytes:
        """Records that carry ``parts``, joined: as few as possible.

        Without parts there are none, or the one that changes an old key.
        """
        rekeyed = self._rekey_if_due(now)
        stream = b"".join(parts)
        if not stream:
            return rekeyed
        if len(stream) <= MAX_BODY:
            return rekeyed + self._seal(_DATA + stream)
        rest = memoryview(stream)
        sealed = [rekeyed, self._seal(_DATA + rest[:MAX_BODY])]
        for start in range(MAX_BODY, len(stream), MAX_BODY):
            sealed += self._rekey_if_due(now), self._seal(_DATA + rest[start : start + MAX_BODY])
        return b"".join(sealed)

    def padding(self, size: int, now: float) -> bytes:
        """A record of ``size`` bytes that mean nothing.

        Raises:
            UsageError: ``size`` is not from 0 to MAX_BODY.
        """
        if not 0 <= size <= MAX_BODY:
            raise UsageError(f"a record cannot carry {size} bytes of padding")
        return self._rekey_if_due(now) + self._seal(_PADDING + bytes(size))

    def close(self) -> bytes:
        """The last record."""
        return self._seal(_CLOSE)

    def _seal(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.encrypt_with_ad(b"", plaintext)
        self._count += 1
        if self._trace is not SILENT:
            _tell(self._trace, "send", plaintext[0], self._count, len(ciphertext))
        return len(ciphertext).to_bytes(HEADER_SIZE, "big") + ciphertext

    def _rekey_if_due(self, now: float) -> bytes:
        """The record that changes the key, if it is time."""
        if not self._count:
            self._key_since = now  # an unused key does not age: it has nothing to give away
            return b""
        if self._count < self._policy.send_records and now - self._key_since < self._policy.send_seconds:
            return b""
        sealed = self._seal(_REKEY)
        self._cipher.rekey()
        self._trace.step("channel.rekey", direction="send", records=self._count)
        self._count = 0
        self._key_since = now
        return sealed


class RecordReader:
    """Opens one direction and follows the sender's changes of key."""

    __slots__ = ("_cipher", "_count", "_policy", "_trace")

    def __init__(self, cipher: CipherState, policy: RekeyPolicy, trace: Trace = SILENT) -> None:
        self._cipher = cipher
        self._policy = policy
        self._count = 0
        self._trace = trace

    def next_record(self, queue: ByteQueue) -> Record | None:
        """The next record, or None while it is not all there. A change of the key has been followed already.

        Raises:
            CryptoError: it is not the record that comes next.
            MalformedError: its length or its content cannot be.
            RejectedError: rule CHAN-ALERT; CHAN-RECORD-KIND for an unknown kind; CHAN-REKEY for a key used too long.
        """
        ciphertext = take_frame(queue, minimum=OVERHEAD, maximum=MAX_MESSAGE)
        if ciphertext is None:
            return None
        record = self._open(ciphertext)
        if record.kind is Kind.REKEY:
            self._cipher.rekey()
            self._trace.step("channel.rekey", direction="receive", records=self._count)
            self._count = 0
        return record

    def _open(self, ciphertext: bytes) -> Record:
        plaintext = self._cipher.decrypt_with_ad(b"", ciphertext)
        self._count += 1
        kind = _KIND_OF.get(plaintext[0])
        if kind is None:
            raise RejectedError("CHAN-RECORD-KIND", f"there is no record kind {plaintext[0]}")
        if kind in (Kind.REKEY, Kind.CLOSE) and len(plaintext) > 1:
            raise MalformedError(f"a {kind.name} record carries nothing")
        # protocol §1: "receivers close after 2^17 without one"
        if self._count > self._policy.receive_records and kind is not Kind.REKEY:
            raise RejectedError("CHAN-REKEY", f"{self._count} records under one key")
        if self._trace is not SILENT:
            _tell(self._trace, "receive", plaintext[0], self._count, len(ciphertext))
        return Record(kind, memoryview(plaintext)[1:])


def _tell(trace: Trace, direction: str, kind: int, number: int, size: int) -> None:
    """One record, by its number under its key and its size in bytes. Not called where nobody listens, for speed."""
    trace.step("channel.record", direction=direction, kind=Kind(kind).name.lower(), number=number, size=size)

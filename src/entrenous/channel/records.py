"""Records: what travels after the handshake, u16 length | AES-256-GCM ciphertext (protocol §1).

The first plaintext byte is the kind. Counters are implicit and run per direction, so a record that is replayed,
reordered, reflected or left out does not open. Handshake messages stand in the same u16 frames. A frame of length
zero is the alert: it says that its sender gave up and never why. Nobody authenticates it; who can forge it could
cut the line as well.
"""

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
#: Unix seconds before any that come, and before those.
_AT_ONCE, _BEFORE = 0.0, -1.0
#: The most one record carries, in bytes.
MAX_BODY = MAX_MESSAGE - OVERHEAD


class Kind(IntEnum):
    """What a record is for: its first plaintext byte."""

    DATA = 0
    REKEY = 1
    CLOSE = 2
    PADDING = 3


_DATA, _REKEY, _CLOSE, _PADDING = (bytes((kind,)) for kind in Kind)
_DATA_KIND, _REKEY_KIND = int(Kind.DATA), int(Kind.REKEY)
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

    __slots__ = ("_cipher", "_count", "_good_until", "_policy", "_trace")

    def __init__(self, cipher: CipherState, policy: RekeyPolicy, trace: Trace = SILENT) -> None:
        self._cipher = cipher
        self._policy = policy
        #: Unix seconds at which the key is old, or is looked at for the first time.
        self._good_until = _AT_ONCE
        self._count = 0
        self._trace = trace

    def data(self, stream: bytes | memoryview, now: float) -> bytes:
        """Records that carry ``stream``: as few as possible.

        Of nothing there are none, or the one that changes an old key.
        """
        if len(stream) > MAX_BODY:
            rest = memoryview(stream)
            return b"".join([self.data(rest[at : at + MAX_BODY], now) for at in range(0, len(stream), MAX_BODY)])
        if stream:
            return self._seal(_DATA + stream, now)
        return b"" if now < self._good_until else self._change_key(now)

    def padding(self, size: int, now: float) -> bytes:
        """A record of ``size`` bytes that mean nothing.

        Raises:
            UsageError: ``size`` is not from 0 to MAX_BODY.
        """
        if not 0 <= size <= MAX_BODY:
            raise UsageError(f"a record cannot carry {size} bytes of padding")
        return self._seal(_PADDING + bytes(size), now)

    def close(self) -> bytes:
        """The last record."""
        return self._seal(_CLOSE)

    def _seal(self, plaintext: bytes, now: float = _BEFORE) -> bytes:
        """A record, behind the one that changes the key where it is time; without ``now`` it is not."""
        changed = b"" if now < self._good_until else self._change_key(now)
        ciphertext = self._cipher.encrypt_with_ad(b"", plaintext)
        self._count += 1
        if self._count >= self._policy.send_records:
            self._good_until = _AT_ONCE
        if self._trace is not SILENT:
            _tell(self._trace, "send", plaintext[0], self._count, len(ciphertext))
        return changed + len(ciphertext).to_bytes(HEADER_SIZE, "big") + ciphertext

    def _change_key(self, now: float) -> bytes:
        """The record that changes the key. An unused one does not age: it has nothing to give away."""
        sealed = b""
        if self._count:
            sealed = self._seal(_REKEY)
            self._cipher.rekey()
            self._trace.step("channel.rekey", direction="send", records=self._count)
            self._count = 0
        self._good_until = now + self._policy.send_seconds
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
        plaintext = self.open(ciphertext)
        return Record(_KIND_OF[plaintext[0]], memoryview(plaintext)[1:])

    def open(self, ciphertext: bytes) -> bytes:
        """The plaintext of the next record, which is all there: its kind, then what it carries.

        Raises:
            CryptoError, MalformedError, RejectedError: as ``next_record``.
        """
        plaintext = self._cipher.decrypt_with_ad(b"", ciphertext)
        self._count += 1
        if plaintext[0] != _DATA_KIND or self._count > self._policy.receive_records:
            self._judge(plaintext)
        if self._trace is not SILENT:
            _tell(self._trace, "receive", plaintext[0], self._count, len(ciphertext))
        if plaintext[0] == _REKEY_KIND:
            self._cipher.rekey()
            self._trace.step("channel.rekey", direction="receive", records=self._count)
            self._count = 0
        return plaintext

    def _judge(self, plaintext: bytes) -> None:
        """Whether a record may come that carries no data, or under a key that was used for long."""
        kind = _KIND_OF.get(plaintext[0])
        if kind is None:
            raise RejectedError("CHAN-RECORD-KIND", f"there is no record kind {plaintext[0]}")
        if kind in (Kind.REKEY, Kind.CLOSE) and len(plaintext) > 1:
            raise MalformedError(f"a {kind.name} record carries nothing")
        # protocol §1: "receivers close after 2^17 without one"
        if self._count > self._policy.receive_records and kind is not Kind.REKEY:
            raise RejectedError("CHAN-REKEY", f"{self._count} records under one key")


def _tell(trace: Trace, direction: str, kind: int, number: int, size: int) -> None:
    """One record, by its number under its key and its size in bytes. Not called where nobody listens, for speed."""
    trace.step("channel.record", direction=direction, kind=Kind(kind).name.lower(), number=number, size=size)

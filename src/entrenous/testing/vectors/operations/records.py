"""docs/spec/channel.md: records and the messages in them, one direction under a key that the vector names.

A key may have been used before: records so far are counted on both sides, and say at which counter it stands.
"""

from collections.abc import Mapping
from typing import Any

from entrenous.channel import HandshakeFinished, MessageReceived, PeerClosed
from entrenous.channel.connection import Connection
from entrenous.channel.records import DEFAULT_REKEY_POLICY, RecordReader, RecordWriter
from entrenous.crypto import AeadId
from entrenous.noise import CipherState
from entrenous.testing.vectors.form import Given
from entrenous.trace import SILENT


class UsedCipher(CipherState):
    """A key under which so many records have passed."""

    __slots__ = ()

    def __init__(self, key: bytes, before: int) -> None:
        super().__init__(AeadId.AES_256_GCM, key)
        self._nonce = before


class UsedReader(RecordReader):
    """One that has opened so many records."""

    __slots__ = ()

    def __init__(self, key: bytes, before: int) -> None:
        super().__init__(UsedCipher(key, before), DEFAULT_REKEY_POLICY)
        self._count = before


class UsedWriter(RecordWriter):
    """One that has sealed so many records, the first of them at second 0."""

    __slots__ = ()

    def __init__(self, key: bytes, before: int) -> None:
        super().__init__(UsedCipher(key, before), DEFAULT_REKEY_POLICY)
        self._count = before
        if 0 < before < DEFAULT_REKEY_POLICY.send_records:
            self._good_until = DEFAULT_REKEY_POLICY.send_seconds


class KeyedConnection(Connection):
    """A connection whose handshake is over: both directions have the vector's key, and a vector uses one of them."""

    __slots__ = ()

    def __init__(self, key: bytes, before: int) -> None:
        super().__init__(now=0, rekey=DEFAULT_REKEY_POLICY, trace=SILENT)
        self._reader = UsedReader(key, before)
        self._writer = UsedWriter(key, before)
        self._move("finished")

    def _handshake(self) -> HandshakeFinished | None:
        return None


def receive(given: Given) -> Mapping[str, Any]:
    """Read all that the other side has sent; nothing comes after it if ``ended`` says so."""
    connection = KeyedConnection(given.hex("key"), given.number("before"))
    connection.max_message = given.number("largest_message")
    connection.receive_data(given.hex("received"), 0)
    if given.flag("ended"):
        connection.eof_received()
    messages, closed = [], False
    while (event := connection.next_event()) is not None:
        if isinstance(event, MessageReceived):
            messages.append(event.data.hex())
        closed = isinstance(event, PeerClosed)
    return {"messages": messages, "closed": closed}


def send(given: Given) -> Mapping[str, Any]:
    """Write each message in a record of its own at its time, change the key where that is due, and close."""
    connection = KeyedConnection(given.hex("key"), given.number("before"))
    sent, (*times, closing) = b"", given.numbers("times")
    for message, now in zip(given.hexes("messages"), times, strict=True):
        connection.send_message(message)
        sent += connection.data_to_send(now)
    connection.close()
    return {"sent": (sent + connection.data_to_send(closing)).hex()}

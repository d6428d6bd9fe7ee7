"""docs/spec/channel.md: records and the messages in them, one direction under a key that the vector names."""

from collections.abc import Mapping
from typing import Any

from entrenous.channel import HandshakeFinished, MessageReceived, PeerClosed, RekeyPolicy
from entrenous.channel.connection import Connection
from entrenous.channel.records import RecordReader, RecordWriter
from entrenous.crypto import AeadId
from entrenous.noise import CipherState
from entrenous.testing.vectors.form import Given
from entrenous.trace import SILENT


class KeyedConnection(Connection):
    """A connection whose handshake is over: both directions have the vector's key, and a vector uses one of them."""

    __slots__ = ()

    def __init__(self, key: bytes, rekey: RekeyPolicy) -> None:
        super().__init__(now=0, rekey=rekey, trace=SILENT)
        self._reader = RecordReader(CipherState(AeadId.AES_256_GCM, key), rekey)
        self._writer = RecordWriter(CipherState(AeadId.AES_256_GCM, key), rekey, 0)
        self._move("finished")

    def _handshake(self) -> HandshakeFinished | None:
        return None


def receive(given: Given) -> Mapping[str, Any]:
    """Read all that the other side has sent; nothing comes after it if ``ended`` says so."""
    connection = KeyedConnection(given.hex("key"), RekeyPolicy())
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
    """Write each message in records of its own, change the key after so many records, and close."""
    connection = KeyedConnection(given.hex("key"), RekeyPolicy(send_records=given.number("rekey_after")))
    sent = b""
    for message in given.hexes("messages"):
        connection.send_message(message)
        sent += connection.data_to_send(0)
    connection.close()
    return {"sent": (sent + connection.data_to_send(0)).hex()}

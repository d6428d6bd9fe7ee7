"""What a capture shows, as rows for people and programs: its connections, their frames, and with keys what was said."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import msgspec

from entrenous.capture.channels import Channel, Frame, is_ours, read_channel
from entrenous.capture.keylog import KeyLog
from entrenous.capture.packets import Capture
from entrenous.capture.rooms import Rooms, Said
from entrenous.capture.streams import connections
from entrenous.errors import MalformedError
from entrenous.wire import decode_call, decode_from_server, events, replies, requests
from entrenous.wire.types import Entry, Shape

#: Bytes that are shown whole; of longer ones, only how many there are.
_SHORT = 32


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One of our connections.

    Attributes:
        began: unix seconds.
        seconds: from the first segment to the last.
        server_id: hexadecimal; None where no key opens the certificate, which travels encrypted.
        client_bytes, server_bytes: on the wire, without TCP's own.
        decrypted: whether the key log opens it.
    """

    number: int
    began: float
    seconds: float
    client: str
    server: str
    version: int
    suite: str
    server_id: str | None
    identity_key: str | None
    client_bytes: int
    server_bytes: int
    client_frames: int
    server_frames: int
    end: str
    decrypted: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One frame of a connection."""

    connection: int
    time: float
    from_client: bool
    number: int
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One decrypted message of a connection.

    Attributes:
        call: the call's number; 0 for an event.
        name: of the request, reply or event.
        fields: what stands in it; long bytes as their number.
        said: the MLS messages in it.
    """

    connection: int
    time: float
    from_client: bool
    call: int
    name: str
    size: int
    fields: dict[str, object]
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a capture had in all."""

    packets: int
    connections: int
    others: int
    cut_off: bool


class Report:
    """A capture, read with or without a key log.

    Args:
        file: the capture.
        log: the keys; empty for none.

    Raises:
        MalformedError: ``file`` is no capture.
    """

    def __init__(self, file: IO[bytes], log: KeyLog) -> None:
        capture = Capture(file)
        found = connections(capture)
        self.channels = [read_channel(tcp, log.channels) for tcp in found if is_ours(tcp)]
        self.summary = Summary(capture.packets, len(self.channels), len(found) - len(self.channels), capture.cut_off)
        self._rooms = Rooms(log)

    def connections(self) -> Iterator[ConnectionRow]:
        """A row for each of our connections."""
        for number, channel in enumerate(self.channels, 1):
            yield _connection(number, channel)

    def frames(self, number: int) -> Iterator[FrameRow]:
        """The frames of the connection with this number, in the order of time."""
        for frame in self.channels[number - 1].frames:
            yield FrameRow(number, frame.time, frame.from_client, frame.number, frame.size, frame.kind)

    def messages(self, number: int) -> Iterator[MessageRow]:
        """What is decrypted of the connection with this number."""
        for frame in self.channels[number - 1].frames:
            for message in frame.messages:
                yield self._message(number, frame, message)

    def _message(self, number: int, frame: Frame, message: bytes) -> MessageRow:
        body: Shape | None
        try:
            call, body = (decode_call if frame.from_client else decode_from_server)(message)
        except MalformedError:
            call, body = 0, None
        name = "unreadable" if body is None else type(body).__name__
        fields = {} if body is None else {field: _shown(getattr(body, field)) for field in body.__struct_fields__}
        said = tuple(found for entry in _entries(body) if (found := self._rooms.read(entry)) is not None)
        return MessageRow(number, frame.time, frame.from_client, call, name, len(message), fields, said)


def _connection(number: int, channel: Channel) -> ConnectionRow:
    tcp, certificate = channel.tcp, channel.certificate
    return ConnectionRow(
        number,
        tcp.began,
        tcp.ended - tcp.began,
        str(tcp.client),
        str(tcp.server),
        channel.version,
        f"unknown ({channel.suite_number})" if channel.suite is None else channel.suite.label,
        None if certificate is None else certificate.tbs.server_id.hex(),
        None if certificate is None else certificate.tbs.identity_key.hex(),
        len(tcp.from_client.data),
        len(tcp.from_server.data),
        sum(frame.from_client for frame in channel.frames),
        sum(not frame.from_client for frame in channel.frames),
        channel.end,
        channel.is_open,
        channel.trouble,
    )


def _entries(body: object) -> Iterator[bytes]:
    """The MLS messages in a request, reply or event."""
    match body:
        case requests.Publish(entry=entry) | requests.Commit(entry=entry):
            yield entry
        case events.NewEntry(entry=Entry(body=entry)):
            yield entry
        case replies.Entries(entries=entries):
            yield from (entry.body for entry in entries)


def _shown(value: object) -> object:
    """A field as JSON has it: bytes in hexadecimal, long ones as how many there are."""
    match value:
        case bytes():
            return value.hex() if len(value) <= _SHORT else f"{len(value)} bytes"
        case msgspec.Struct():
            return {field: _shown(getattr(value, field)) for field in value.__struct_fields__}
        case tuple() | list():
            return [_shown(each) for each in value]
        case _:
            return value

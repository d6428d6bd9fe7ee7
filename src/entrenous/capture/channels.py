"""Our channel inside a TCP connection: what anybody sees of it, and with its keys the messages in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from entrenous.capture.keylog import ChannelKeys
from entrenous.capture.streams import Stream, TcpConnection
from entrenous.channel import LARGEST_MESSAGE, MAGIC, OPENING_SIZE, PREFACE_SIZE, SUITES, Suite, encode_preface
from entrenous.channel.buffer import ByteQueue
from entrenous.channel.messages import MessageReader
from entrenous.channel.records import HEADER_SIZE, Kind, RecordReader, RekeyPolicy
from entrenous.errors import EntrenousError, MalformedError
from entrenous.identity import ServerCertificate
from entrenous.noise import KEY_SIZE, TAG_SIZE, CipherState, SymmetricState

#: What a proxy puts in front of a client's bytes (the PROXY protocol, version 2): a signature, and the rest by length.
_PROXY_SIGNATURE, _PROXY_HEADER_SIZE = b"\r\n\r\n\x00\r\nQUIT\n", 16

#: A recording is judged by nobody: keys live as long as they lived.
_ANY_REKEY = RekeyPolicy(receive_records=1 << 62)


@dataclass(frozen=True, slots=True)
class Frame:
    """One length-prefixed frame: a handshake message, a record or the alert.

    Attributes:
        number: in its direction, from 0.
        size: bytes after the length.
        kind: what it is, as far as it is known: "handshake", "alert", "record", or the record's kind.
        messages: the whole messages that end in it, decrypted.
    """

    time: float
    from_client: bool
    number: int
    size: int
    kind: str
    messages: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Channel:
    """One connection of ours.

    Attributes:
        suite: None for one that is not known here.
        opening: what a key log names it by; b"" where message 1 is not whole.
        certificate: the server's, if a key opens it.
        trouble: what is wrong with the recording or its keys, for people; "" if nothing is.
    """

    tcp: TcpConnection
    version: int
    suite_number: int
    suite: Suite | None
    opening: bytes = b""
    certificate: ServerCertificate | None = None
    frames: list[Frame] = field(default_factory=list)
    trouble: str = ""
    is_open: bool = False

    @property
    def end(self) -> str:
        """How it ended. A close record shows only in what is decrypted: without keys nobody tells it from a cut."""
        kinds = {frame.kind for frame in self.frames}
        if "alert" in kinds:
            return "alert"
        if Kind.CLOSE.name.lower() in kinds:
            return "closed"
        if not self.tcp.is_over:
            return "goes on"
        return "cut off" if self.is_open else "ended"


def is_ours(tcp: TcpConnection) -> bool:
    """Whether a connection begins with our preface, or a proxy's header and our preface."""
    place = _preface_place(tcp.from_client.data)
    return tcp.from_client.data.startswith(MAGIC, place) and len(tcp.from_client.data) >= place + PREFACE_SIZE


def _preface_place(data: bytearray) -> int:
    """How long the proxy's header is, if there is one."""
    if len(data) < _PROXY_HEADER_SIZE or not data.startswith(_PROXY_SIGNATURE):
        return 0
    return _PROXY_HEADER_SIZE + int.from_bytes(data[_PROXY_HEADER_SIZE - 2 : _PROXY_HEADER_SIZE], "big")


def read_channel(tcp: TcpConnection, keys: dict[bytes, ChannelKeys]) -> Channel:
    """Read a connection that ``is_ours``, with its keys where they are known. Never raises."""
    first_frame = _preface_place(tcp.from_client.data) + PREFACE_SIZE
    version, number = tcp.from_client.data[first_frame - PREFACE_SIZE + len(MAGIC) : first_frame]
    channel = Channel(tcp, version, number, SUITES.get(number))
    sent = _handshake(channel, _frames(tcp.from_client, first_frame, from_client=True))
    received = _handshake(channel, _frames(tcp.from_server, 0, from_client=False))
    if sent[:1] and channel.suite is not None:
        channel.opening = sent[0][1][:OPENING_SIZE]
    known = keys.get(channel.opening)
    if known is not None and channel.suite is not None:
        try:
            channel.certificate = _certificate(channel.suite, sent[0][1], received[0][1], known)
        except (EntrenousError, IndexError):
            channel.trouble = "the key log's key does not open the certificate"
    channel.frames += _opened(channel, sent, None if known is None else known.client)
    channel.frames += _opened(channel, received, None if known is None else known.server)
    channel.is_open = known is not None and not channel.trouble
    channel.frames.sort(key=lambda frame: (frame.time, not frame.from_client))
    if tcp.from_client.has_gap or tcp.from_server.has_gap:
        channel.trouble = "the capture has lost packets: what follows the gap cannot be read"
    return channel


_Raw = tuple[Frame, bytes]


def _frames(stream: Stream, place: int, *, from_client: bool) -> Iterator[_Raw]:
    """The whole frames of a stream from ``place`` on."""
    data, number = stream.data, 0
    while place + HEADER_SIZE <= len(data):
        size = int.from_bytes(data[place : place + HEADER_SIZE], "big")
        if place + HEADER_SIZE + size > len(data):
            return
        begin = place + HEADER_SIZE
        place = begin + size
        kind = "record" if size else "alert"
        yield Frame(stream.time_at(place - 1), from_client, number, size, kind), bytes(data[begin:place])
        number += 1


def _handshake(channel: Channel, frames: Iterator[_Raw]) -> list[_Raw]:
    """The frames of a direction, of which the first is a handshake message."""
    found = list(frames)
    if found and found[0][0].size and channel.suite is not None:
        first, content = found[0]
        found[0] = (Frame(first.time, first.from_client, 0, first.size, "handshake"), content)
    return found


def _certificate(suite: Suite, first: bytes, second: bytes, keys: ChannelKeys) -> ServerCertificate | None:
    """The certificate in message 2: all that is hashed before it stands in clear on the wire (Noise §5.2)."""
    if keys.certificate is None:
        return None
    noise = suite.noise
    sizes = [
        noise.dh.length,
        *([noise.kem.ciphertext_size + TAG_SIZE] if noise.kem else []),
        noise.dh.length + TAG_SIZE,
    ]
    pieces = [encode_preface(suite), first[: noise.dh.length]]
    if noise.kem:
        pieces.append(first[noise.dh.length :])
    # Message 1 has an empty payload, which is hashed all the same.
    pieces.append(b"")
    place = 0
    for size in sizes:
        pieces.append(second[place : place + size])
        place += size
    state = SymmetricState(noise.name.encode(), noise.aead, noise.hash_function)
    for piece in pieces:
        state.mix_hash(piece)
    state.cipher = CipherState(noise.aead, keys.certificate)
    return ServerCertificate.decode(state.decrypt_and_hash(second[place:]))


def _opened(channel: Channel, frames: list[_Raw], key: bytes | None) -> Iterator[Frame]:
    """The frames of a direction, with what is in them where the key opens them."""
    if key is None or channel.suite is None:
        yield from (frame for frame, _ in frames)
        return
    reader = RecordReader(CipherState(channel.suite.noise.aead, key[:KEY_SIZE]), _ANY_REKEY)
    messages = MessageReader()
    messages.maximum = LARGEST_MESSAGE
    for frame, content in frames:
        if frame.kind != "record" or channel.trouble:
            yield frame
            continue
        try:
            record = reader.next_record(ByteQueue(frame.size.to_bytes(HEADER_SIZE, "big") + content))
            if record is None:
                raise MalformedError("a record is cut off")
            if record.kind is Kind.DATA:
                messages += record.body
            whole = tuple(iter(messages.next_message, None))
        except EntrenousError as error:
            side = "client" if frame.from_client else "server"
            channel.trouble = f"record {frame.number} of the {side} does not open with this key log: {error}"
            yield frame
            continue
        yield Frame(frame.time, frame.from_client, frame.number, frame.size, record.kind.name.lower(), whole)

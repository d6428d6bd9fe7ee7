"""The channel between client and server, on both sides: before the handshake, in it, and in the records after it."""

import functools
from collections.abc import Callable, Iterator

from entrenous.channel import (
    ALERT,
    CLASSIC,
    HYBRID,
    ClientConnection,
    Connection,
    Event,
    HandshakeFinished,
    MessageReceived,
    PeerClosed,
    RekeyPolicy,
    State,
)
from entrenous.errors import CryptoError
from entrenous.noise import HandshakeState, parse_protocol_name
from entrenous.noise import State as NoiseState
from fuzz.target import REFUSED, Target
from unit.channel.connected import NOW, connect, make_client, make_server, seeded

#: Keys change often, so that changes are met in short streams.
_POLICY = RekeyPolicy(send_records=3, receive_records=6)
_LIMIT = 1024


def _hybrid_client() -> Connection:
    client = make_client(HYBRID, rekey=_POLICY)
    client.data_to_send(NOW)
    return client


def _classic_client() -> Connection:
    client = make_client(CLASSIC, rekey=_POLICY)
    client.data_to_send(NOW)
    return client


def _server() -> Connection:
    return make_server(rekey=_POLICY)


_SIDES: tuple[Callable[[], Connection], ...] = (_hybrid_client, _classic_client, _server)


def channel_handshake(data: bytes) -> None:
    """Any bytes from the first on. First byte: which side hears them. Second: in pieces of how many bytes."""
    if len(data) < 2:
        return
    receiver = _SIDES[data[0] % len(_SIDES)]()
    piece, stream = 1 + data[1], data[2:]
    _hear(receiver, (stream[start : start + piece] for start in range(0, len(stream), piece)))


def channel_records(data: bytes) -> None:
    """Any records after an honest handshake, sealed by a peer who has the keys.

    First byte: bit 0 which side hears them, bit 1 whether they are bytes of the network instead. Then each record's
    plaintext behind its length in one byte; the length 255 stands for a record of that byte, repeated 5,000 times.
    """
    if not data:
        return
    client, server = connect(rekey=_POLICY)
    sides: tuple[Connection, Connection] = (client, server)
    receiver, sender = sides if data[0] & 1 else sides[::-1]
    receiver.max_message = _LIMIT
    stream = data[1:]
    _hear(receiver, iter([stream]) if data[0] & 2 else _sealed(sender, stream))


def _sealed(sender: Connection, stream: bytes) -> Iterator[bytes]:
    """Frames of records, whose key changes after each that says so, as an honest sender's does."""
    writer = sender._writer
    assert writer is not None
    while stream:
        size = stream[0]
        plaintext = stream[1:2] + stream[2:3] * 5000 if size == 255 else stream[1 : 1 + size]
        stream = stream[3:] if size == 255 else stream[1 + size :]
        ciphertext = writer._cipher.encrypt_with_ad(b"", plaintext)
        yield len(ciphertext).to_bytes(2, "big") + ciphertext
        if plaintext == b"\1":
            writer._cipher.rekey()


def _hear(receiver: Connection, pieces: Iterator[bytes]) -> None:
    """Events, or one error and the same alert for all reasons; nothing after the end; no more kept than allowed."""
    for piece in pieces:
        receiver.receive_data(piece, NOW)
        if not _events(receiver, lambda event: isinstance(event, HandshakeFinished | MessageReceived | PeerClosed)):
            break
        kept = len(receiver._inbox) + len(receiver._messages)
        assert kept <= 2 * 65_537 + _LIMIT + 65_536, f"{kept} bytes are kept"
    receiver.eof_received()
    _events(receiver, lambda event: True)
    assert receiver.state is State.CLOSED
    assert receiver.next_event() is None
    assert receiver.data_to_send(NOW) == b""


def _events(receiver: Connection, expected: Callable[[Event], bool]) -> bool:
    """Whether the connection goes on after all that there is now."""
    try:
        while (event := receiver.next_event()) is not None:
            assert expected(event)
            if isinstance(event, MessageReceived):
                assert len(event.data) <= receiver.max_message
            receiver.data_to_send(NOW)
    except REFUSED:
        assert receiver.state is State.CLOSED
        # A client tells a server that it does not trust nothing at all.
        distrusts = isinstance(receiver, ClientConnection) and receiver.peer is None
        assert receiver.data_to_send(NOW) in ({ALERT, b""} if distrusts else {ALERT})
        return False
    return receiver.state is not State.CLOSED


@functools.cache
def _handshakes() -> tuple[bytes, ...]:
    """What each side hears in an honest handshake."""
    heard = []
    for suite in (HYBRID, CLASSIC):
        client, server = make_client(suite), make_server()
        opening = client.data_to_send(NOW)
        server.receive_data(opening, NOW)
        assert isinstance(server.next_event(), HandshakeFinished)
        heard += [server.data_to_send(NOW), opening]
    hybrid, hybrid_opening, classic, classic_opening = heard
    return (b"\0\xff" + hybrid, b"\1\xff" + classic, b"\2\xff" + hybrid_opening, b"\2\x10" + classic_opening)


def _record_seeds() -> list[bytes]:
    hello = b"\0" + (5).to_bytes(4, "big") + b"hello"
    records = [hello, hello[:7], b"\0" + hello[7:], b"\3" + bytes(20), b"\1", hello, b"\2"]
    stream = b"".join(bytes([len(record)]) + record for record in records)
    return [b"\0" + stream, b"\1" + stream, b"\0\xff\0\0", b"\1\xff\3\0", b"\2" + bytes(40), b"\3\0\x20" + bytes(32)]


_NAMES = (
    "Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256",
    "Noise_NX_FFDHE2048_AESGCM_SHA256",
    "Noise_XX_25519_AESGCM_SHA256",
    "Noise_IKpsk2_25519_AESGCM_SHA256",
    "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256",
)


def _party(name: str, *, initiator: bool, seed: str) -> HandshakeState:
    protocol = parse_protocol_name(name)
    pattern = protocol.pattern
    other = protocol.dh.generate(lambda size: b"\x55" * size).public
    return HandshakeState(
        protocol,
        initiator=initiator,
        entropy=seeded(seed),
        static=protocol.dh.generate(lambda size: b"\x55" * size) if pattern.needs_static(initiator=initiator) else None,
        remote_static=other if pattern.knows_remote(initiator=initiator) else None,
        psks=[bytes(32)] * pattern.psk_count,
    )


def noise_handshake(data: bytes) -> None:
    """A message of an honest handshake is replaced. First byte: the pattern, then which message it is."""
    if not data:
        return
    name = _NAMES[data[0] % len(_NAMES)]
    replaced = data[0] // len(_NAMES) % 3
    parties = [_party(name, initiator=first, seed=f"initiator {first}") for first in (True, False)]
    for number in range(len(parties[0].protocol.pattern.messages)):
        sender, receiver = parties[number % 2], parties[1 - number % 2]
        try:
            message = sender.write_message(b"payload")
            receiver.read_message(data[1:] if number == replaced else message)
        except REFUSED:
            assert NoiseState.FAILED in (sender.state, receiver.state)
            return
    # A message that authenticates nothing may be replaced; then the two end with different keys, and can tell.
    first, second = parties
    sending, receiving = first.split().sending, second.split().receiving
    try:
        agree = receiving.decrypt_with_ad(b"", sending.encrypt_with_ad(b"", b"hello")) == b"hello"
    except CryptoError:
        agree = False
    assert agree == (first.handshake_hash == second.handshake_hash)


def _noise_seeds() -> list[bytes]:
    seeds = []
    for index, name in enumerate(_NAMES):
        parties = [_party(name, initiator=first, seed=f"initiator {first}") for first in (True, False)]
        for number in range(len(parties[0].protocol.pattern.messages)):
            message = parties[number % 2].write_message(b"payload")
            parties[1 - number % 2].read_message(message)
            seeds.append(bytes([index + number * len(_NAMES)]) + message)
    return seeds


TARGETS = (
    Target("channel-handshake", channel_handshake, lambda: list(_handshakes()), longest=9000),
    Target("channel-records", channel_records, _record_seeds, longest=2000),
    Target("noise-handshake", noise_handshake, _noise_seeds),
)

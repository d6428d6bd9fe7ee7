"""What a connection tells its owner."""

from dataclasses import dataclass

from entrenous.identity import ServerIdentity


@dataclass(frozen=True, slots=True)
class HandshakeFinished:
    """The channel is open.

    Attributes:
        handshake_hash: the channel binding: what every login on this channel signs.
        suite: the suite's number.
        peer: on the client, whom the certificate speaks for; on the server None, since clients log in later.
    """

    handshake_hash: bytes
    suite: int
    peer: ServerIdentity | None


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """One whole message of the peer."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer said that it is done. Everything it sent has arrived."""


Event = HandshakeFinished | MessageReceived | PeerClosed

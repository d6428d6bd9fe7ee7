"""The handshake of this run, and the attacks on it."""

from collections.abc import Callable
from dataclasses import dataclass

from entrenous.channel import (
    CLASSIC,
    HYBRID,
    PREFACE_SIZE,
    SUITES,
    ServerCredential,
    Suite,
    encode_preface,
    issue_credential,
)
from entrenous.crypto import Entropy, SigningKey
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UsageError
from entrenous.explain.model import Attempt
from entrenous.explain.run.line import Line
from entrenous.explain.run.recorder import agree, describe, flipped
from entrenous.identity import ServerIdentityKey

#: Seconds that a server's certificate is good for (docs/spec/channel.md: three days).
CERTIFIED = 3 * 86_400


@dataclass(frozen=True, slots=True)
class Host:
    """A server, as far as a channel needs one: its identity and a certified key for each suite."""

    identity: ServerIdentityKey
    credentials: dict[int, ServerCredential]

    @classmethod
    def make(cls, entropy: Entropy, now: int) -> "Host":
        """A new one, whose keys are certified from now on."""
        identity = ServerIdentityKey(SigningKey.generate(entropy))
        credentials = {
            suite.number: issue_credential(identity, suite, suite.noise.dh.generate(entropy), now + CERTIFIED)
            for suite in SUITES.values()
        }
        return cls(identity, credentials)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A finished handshake.

    Attributes:
        first: the client's message with its preface, as it travelled.
        second: the server's.
        checks: what both sides were found to agree on.
        attempts: attacks on other handshakes with the same server.
    """

    line: Line
    host: Host
    first: bytes
    second: bytes
    checks: tuple[str, ...]
    attempts: tuple[Attempt, ...]

    @property
    def client_key(self) -> bytes:
        """The key of the records from client to server."""
        return self.line.client_trace.last("k initiator")

    @property
    def server_key(self) -> bytes:
        """The key of the records from server to client."""
        return self.line.client_trace.last("k responder")

    @property
    def hash(self) -> bytes:
        """The handshake hash."""
        return self.line.client.handshake_hash


def shake_hands(suite: Suite, host: Host, entropy: Entropy, now: int) -> Handshake:
    """One good handshake and several bad ones."""
    line = Line(suite, host.credentials, pin=host.identity.server_id, entropy=entropy, now=now)
    first, second = line.shake_hands()
    client, server = line.client_trace, line.server_trace
    checks = (
        agree("The handshake hash is the same on both sides.", line.client.handshake_hash, line.server.handshake_hash),
        agree(
            "Both sides derived the same keys for both directions.",
            (client.last("k initiator"), client.last("k responder")),
            (server.last("k initiator"), server.last("k responder")),
        ),
        agree("Both sides went through the same chaining keys.", client.all("ck"), server.all("ck")),
    )
    return Handshake(line, host, first, second, checks, _attacks(suite, host, entropy, now))


def _attacks(suite: Suite, host: Host, entropy: Entropy, now: int) -> tuple[Attempt, ...]:
    pin = host.identity.server_id
    other = CLASSIC if suite is HYBRID else HYBRID
    stranger = Host.make(entropy, now)
    thief = {
        suite.number: ServerCredential(suite.noise.dh.generate(entropy), host.credentials[suite.number].certificate)
    }

    def line(credentials: dict[int, ServerCredential] = host.credentials) -> Line:
        return Line(suite, credentials, pin=pin, entropy=entropy, now=now)

    def change_first(data: bytes) -> bytes:
        return flipped(data, PREFACE_SIZE + 2)

    def change_suite(data: bytes) -> bytes:
        return encode_preface(other) + data[PREFACE_SIZE:]

    return (
        _meddle("Somebody on the way turns over one bit of the client's fresh key in message 1.", line(), change_first),
        _meddle(
            f"He asks for the {other.label} suite in the client's name, by another last byte of the preface.",
            line(),
            change_suite,
        ),
        _meddle("He turns over the last bit of message 2.", line(), lambda data: data, lambda data: flipped(data, -1)),
        _meddle("He answers himself, with an identity and a certificate of his own.", line(stranger.credentials)),
        _meddle("He answers with the true server's certificate, and with a static key of his own.", line(thief)),
    )


def _same(data: bytes) -> bytes:
    return data


def _meddle(
    what: str,
    line: Line,
    change_first: Callable[[bytes], bytes] = _same,
    change_second: Callable[[bytes], bytes] = _same,
) -> Attempt:
    """A handshake with somebody in the middle, who changes messages; one side has to refuse it.

    Raises:
        UsageError: neither did.
    """
    try:
        line.server.receive_data(change_first(line.client.data_to_send(line.now)), line.now)
        line.server.next_event()
    except (CryptoError, MalformedError, RejectedError) as error:
        return Attempt(what, "the server", describe(error))
    return _judge_answer(what, line, change_second)


def _judge_answer(what: str, line: Line, change: Callable[[bytes], bytes]) -> Attempt:
    line.client.receive_data(change(line.server.data_to_send(line.now)), line.now)
    try:
        line.client.next_event()
    except EntrenousError as error:
        return Attempt(what, "the client", describe(error))
    raise UsageError(f"this attack succeeded: {what}")

"""The server's side of the channel: takes the suite that the client names, or closes."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrenous.channel.connection import Connection
from entrenous.channel.events import HandshakeFinished
from entrenous.channel.preface import PREFACE_SIZE, encode_preface, parse_preface
from entrenous.channel.records import DEFAULT_REKEY_POLICY, RekeyPolicy, frame, take_frame
from entrenous.channel.suites import Suite
from entrenous.crypto import DHKeyPair, Entropy
from entrenous.errors import RejectedError
from entrenous.identity import ServerIdentityKey, issue_certificate
from entrenous.noise import HandshakeState
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class ServerCredential:
    """What a server proves itself with in one suite: its static key pair, and the certificate for it."""

    static: DHKeyPair
    certificate: bytes


def issue_credential(identity: ServerIdentityKey, suite: Suite, static: DHKeyPair, not_after: int) -> ServerCredential:
    """Certify ``static`` for ``suite`` until ``not_after`` (unix seconds)."""
    certificate = issue_certificate(identity, suite=suite.number, static_key=static.public, not_after=not_after)
    return ServerCredential(static, certificate)


class ServerConnection(Connection):
    """Answers a client.

    Args:
        credentials: by suite number; a suite without one is refused.
        entropy: for the handshake's keys.
        now: unix seconds.
        rekey: when keys change.
        trace: told of the handshake's derivations and of every move.
    """

    __slots__ = ("_credentials", "_entropy", "suite")

    def __init__(
        self,
        credentials: Mapping[int, ServerCredential],
        *,
        entropy: Entropy,
        now: float,
        rekey: RekeyPolicy = DEFAULT_REKEY_POLICY,
        trace: Trace = SILENT,
    ) -> None:
        super().__init__(now=now, rekey=rekey, trace=trace)
        #: What the client asked for; None until its preface is here.
        self.suite: Suite | None = None
        self._credentials = credentials
        self._entropy = entropy

    def _handshake(self) -> HandshakeFinished | None:
        if self.suite is None:
            self.suite = self._take_preface()
        if self.suite is None:
            return None
        # The size is exact: message 1 has no payload, because nothing travels before the server is known (no 0-RTT).
        size = self.suite.first_message_size
        message = take_frame(self._inbox, minimum=size, maximum=size)
        return None if message is None else self._answer(self.suite, message)

    def _take_preface(self) -> Suite | None:
        suite = parse_preface(self._inbox.peek(PREFACE_SIZE))
        if suite is None:
            return None
        if suite.number not in self._credentials:
            raise RejectedError("CHAN-SUITE", f"suite {suite.number} is off on this server")
        self._inbox.take(PREFACE_SIZE)
        return suite

    def _answer(self, suite: Suite, message: bytes) -> HandshakeFinished:
        credential = self._credentials[suite.number]
        noise = HandshakeState(
            suite.noise,
            initiator=False,
            entropy=self._entropy,
            prologue=encode_preface(suite),
            static=credential.static,
            trace=self._trace,
        )
        noise.read_message(message)
        self._clear.append(frame(noise.write_message(credential.certificate)))
        return self._finish(suite, noise, message)

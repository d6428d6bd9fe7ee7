"""The client's side of the channel: names a suite, judges the server's certificate, then talks."""

from entrenous.channel.connection import Connection
from entrenous.channel.events import HandshakeFinished
from entrenous.channel.preface import encode_preface
from entrenous.channel.records import DEFAULT_REKEY_POLICY, RekeyPolicy, frame, take_frame
from entrenous.channel.suites import HYBRID, Suite
from entrenous.crypto import Entropy
from entrenous.errors import EntrenousError, UsageError
from entrenous.identity import verify_certificate
from entrenous.noise import HandshakeState
from entrenous.trace import SILENT, Trace

#: The longest handshake message 2, in bytes: keys, and a certificate with as many rotations as there can be.
MAX_SECOND_MESSAGE = 8192


class ClientConnection(Connection):
    """Opens a channel to a server.

    Args:
        suite: the one this client insists on.
        pin: the server id that it trusts; None only at first use, when the caller shows and then pins ``peer``.
        known_key: the newest identity key seen of that server, so that a rotated-out one cannot come back.
        entropy: for the handshake's keys.
        now: unix seconds.
        rekey: when keys change.
        trace: told of the handshake's derivations and of every move.
    """

    def __init__(
        self,
        suite: Suite = HYBRID,
        *,
        pin: bytes | None,
        entropy: Entropy,
        now: float,
        known_key: bytes | None = None,
        rekey: RekeyPolicy = DEFAULT_REKEY_POLICY,
        trace: Trace = SILENT,
    ) -> None:
        super().__init__(now=now, rekey=rekey, trace=trace)
        self.suite = suite
        self._pin = pin
        self._known_key = known_key
        preface = encode_preface(suite)
        self._noise = HandshakeState(suite.noise, initiator=True, entropy=entropy, prologue=preface, trace=trace)
        self._first_message = self._noise.write_message()
        self._clear = [preface, frame(self._first_message)]

    def _handshake(self) -> HandshakeFinished | None:
        message = take_frame(self._inbox, minimum=1, maximum=MAX_SECOND_MESSAGE)
        if message is None:
            return None
        self._judge(self._noise.read_message(message))
        return self._finish(self.suite, self._noise, self._first_message)

    def _judge(self, certificate: bytes) -> None:
        static_key = self._noise.remote_static
        if static_key is None:
            raise UsageError(f"{self.suite.noise.name} does not transmit the responder's static key")
        try:
            self.peer = verify_certificate(
                certificate,
                suite=self.suite.number,
                static_key=static_key,
                pin=self._pin,
                now=int(self._now),
                known_key=self._known_key,
            )
        except EntrenousError:
            # protocol §1: such a client "refuses any other identity before it sends anything more"
            self._last_words = b""
            raise

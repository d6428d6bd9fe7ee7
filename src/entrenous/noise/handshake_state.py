"""HandshakeState: one party's way through a handshake pattern (Noise rev 34 §5.3, hfs §4).

    initiator                                responder
    write_message(payload) ----------------> read_message
    read_message <-------------------------- write_message(payload)
    ... until state is FINISHED on both sides, then split() once

A party is SENDING or RECEIVING in turn. Whatever goes wrong inside a message leaves it FAILED: half a message has
been mixed in, so there is nothing to go back to.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from entrenous.crypto import KEM, DHKeyPair, Entropy, KEMKeyPair
from entrenous.errors import MalformedError, UsageError
from entrenous.noise.cipher_state import MAX_MESSAGE, CipherState
from entrenous.noise.patterns import DH_KEYS, Token, Tokens
from entrenous.noise.protocol_name import NoiseProtocol
from entrenous.noise.symmetric_state import SymmetricState
from entrenous.trace import SILENT, Trace


class State(Enum):
    """What may be called next."""

    SENDING = "write_message"
    RECEIVING = "read_message"
    FINISHED = "split"
    SPLIT = "nothing: it was split"
    FAILED = "nothing: it failed"


class Transport(NamedTuple):
    """The two ciphers of a finished handshake, from one party's side."""

    sending: CipherState
    receiving: CipherState


class HandshakeState:
    """One party of one handshake.

    Args:
        protocol: from parse_protocol_name.
        initiator: whether this party sends the first message.
        prologue: bytes both parties must already agree on (§6).
        static: our static key pair, where the pattern needs one.
        remote_static: the peer's static public key, where the pattern has it known beforehand.
        psks: pre-shared keys of 32 bytes, in the order of the pattern's psk tokens.
        entropy: gives DH and KEM private keys, one draw each, in the order of the tokens.
        trace: told of every token and of every ``ck``.

    Raises:
        UsageError: a key is missing, of the wrong length, or not wanted.
    """

    def __init__(
        self,
        protocol: NoiseProtocol,
        *,
        initiator: bool,
        entropy: Entropy,
        prologue: bytes = b"",
        static: DHKeyPair | None = None,
        remote_static: bytes | None = None,
        psks: Sequence[bytes] = (),
        trace: Trace = SILENT,
    ) -> None:
        _check_keys(protocol, initiator=initiator, static=static, remote_static=remote_static, psks=psks)
        self.protocol = protocol
        self.initiator = initiator
        self.state = State.SENDING if initiator else State.RECEIVING
        self._entropy = entropy
        self._trace = trace
        self._psks = list(psks)
        self._local = {Token.S: static} if static else {}
        self._remote = {Token.S: remote_static} if remote_static else {}
        self._kem_pair: KEMKeyPair | None = None
        self._kem_public = b""
        self._next = 0
        self._symmetric = SymmetricState(protocol.name.encode(), protocol.aead, protocol.hash_function, trace)
        self._symmetric.mix_hash(prologue)
        self._mix_known_keys()

    @property
    def handshake_hash(self) -> bytes:
        """Binds the finished handshake: the same on both sides only if both saw the same bytes (§11.2).

        Raises:
            UsageError: the handshake is not finished.
        """
        if self.state not in (State.FINISHED, State.SPLIT):
            raise UsageError("there is no handshake hash before the handshake is finished")
        return self._symmetric.handshake_hash

    @property
    def remote_static(self) -> bytes | None:
        """The peer's static public key as far as it is known. Knowing is not trusting."""
        return self._remote.get(Token.S)

    def write_message(self, payload: bytes = b"") -> bytes:
        """The next handshake message, carrying ``payload``.

        The pattern and the place in it decide whether the payload is secret; the first is usually in clear.

        Raises:
            UsageError: it is not our turn, or the message would exceed 65,535 bytes.
            CryptoError: a key of the peer is no good.
        """
        tokens = self._begin(State.SENDING)
        message = bytearray()
        for token in tokens:
            message += self._write_token(token)
        if len(message) + len(payload) + self._symmetric.overhead > MAX_MESSAGE:
            raise UsageError(f"a handshake message has at most {MAX_MESSAGE} bytes")
        message += self._symmetric.encrypt_and_hash(payload)
        self._end(State.RECEIVING)
        return bytes(message)

    def read_message(self, message: bytes) -> bytes:
        """Take the peer's next handshake message; returns its payload.

        Raises:
            UsageError: it is not the peer's turn.
            MalformedError: ``message`` is too long or too short.
            CryptoError: it is not what the pattern, the keys and the transcript ask for.
        """
        tokens = self._begin(State.RECEIVING)
        if len(message) > MAX_MESSAGE:
            raise MalformedError(f"a handshake message of {len(message)} bytes")
        rest = memoryview(message)
        for token in tokens:
            size = self._token_size(token)
            if len(rest) < size:
                raise MalformedError(f"a handshake message is cut off at its {token.value!r}")
            self._read_token(token, bytes(rest[:size]))
            rest = rest[size:]
        payload = self._symmetric.decrypt_and_hash(bytes(rest))
        self._end(State.SENDING)
        return payload

    def split(self) -> Transport:
        """The ciphers for everything after the handshake. Once: a second pair would use the same counters again.

        Raises:
            UsageError: the handshake is not finished, or was split before.
        """
        if self.state is not State.FINISHED:
            raise UsageError(f"expected {self.state.value}, not split")
        self.state = State.SPLIT
        to_responder, to_initiator = self._symmetric.split()
        if self.protocol.pattern.one_way:
            to_initiator.exhaust()
        return Transport(to_responder, to_initiator) if self.initiator else Transport(to_initiator, to_responder)

    def _begin(self, expected: State) -> Tokens:
        """Enter a message. The state is FAILED until ``_end`` says that all of it went well."""
        if self.state is not expected:
            raise UsageError(f"expected {self.state.value}, not {expected.value}")
        self.state = State.FAILED
        return self.protocol.pattern.messages[self._next]

    def _end(self, following: State) -> None:
        self._next += 1
        if self._next < len(self.protocol.pattern.messages):
            self.state = following
            return
        self.state = State.FINISHED
        # §5.3: ephemeral keys are of no further use, so nobody can steal them
        self._local.clear()
        self._psks.clear()
        self._kem_pair = None

    def _mix_known_keys(self) -> None:
        """§5.3: public keys known beforehand are part of the transcript, the initiator's first."""
        pattern = self.protocol.pattern
        for known, initiators in ((pattern.initiator_known, True), (pattern.responder_known, False)):
            if known:
                ours = initiators == self.initiator
                self._symmetric.mix_hash(self._local[Token.S].public if ours else self._remote[Token.S])

    def _write_token(self, token: Token) -> bytes:
        if self._trace is not SILENT:
            self._trace.step("noise.token", token=token.value, direction="write")
        match token:
            case Token.E:
                pair = self._local[Token.E] = self.protocol.dh.generate(self._entropy)
                self._mix_ephemeral(pair.public)
                return pair.public
            case Token.S:
                return self._symmetric.encrypt_and_hash(self._local[Token.S].public)
            case Token.E1:
                self._kem_pair = self._kem.generate(self._entropy)
                return self._symmetric.encrypt_and_hash(self._kem_pair.public)
            case Token.EKEM1:
                ciphertext, output = self._kem.encapsulate(self._kem_public, self._entropy)
                sealed = self._symmetric.encrypt_and_hash(ciphertext)
                self._symmetric.mix_key(output, token)
                return sealed
        self._mix_shared(token)
        return b""

    def _read_token(self, token: Token, field: bytes) -> None:
        if self._trace is not SILENT:
            self._trace.step("noise.token", token=token.value, direction="read")
        match token:
            case Token.E:
                self._remote[Token.E] = field
                self._mix_ephemeral(field)
            case Token.S:
                self._remote[Token.S] = self._symmetric.decrypt_and_hash(field)
            case Token.E1:
                self._kem_public = self._symmetric.decrypt_and_hash(field)
            case Token.EKEM1:
                self._decapsulate(self._symmetric.decrypt_and_hash(field))
            case _:
                self._mix_shared(token)

    def _token_size(self, token: Token) -> int:
        match token:
            case Token.E:
                return self.protocol.dh.length
            case Token.S:
                return self.protocol.dh.length + self._symmetric.overhead
            case Token.E1:
                return self._kem.public_size + self._symmetric.overhead
            case Token.EKEM1:
                return self._kem.ciphertext_size + self._symmetric.overhead
        return 0

    def _mix_ephemeral(self, public: bytes) -> None:
        self._symmetric.mix_hash(public)
        # §9.2: with pre-shared keys, e is mixed into the key too, so that no key is used for two transcripts
        if self.protocol.pattern.psk_count:
            self._symmetric.mix_key(public, Token.E)

    def _mix_shared(self, token: Token) -> None:
        if token is Token.PSK:
            self._symmetric.mix_key_and_hash(self._psks.pop(0))
            return
        initiators, responders = DH_KEYS[token]
        ours, theirs = (initiators, responders) if self.initiator else (responders, initiators)
        shared = self.protocol.dh.exchange(self._local[ours].private, self._remote[theirs])
        self._symmetric.mix_key(shared, token)

    def _decapsulate(self, ciphertext: bytes) -> None:
        if self._kem_pair is None:
            raise UsageError("a pattern has ekem1 before e1")
        output = self._kem.decapsulate(self._kem_pair.private, ciphertext)
        self._symmetric.mix_key(output, Token.EKEM1)

    @property
    def _kem(self) -> KEM:
        if self.protocol.kem is None:
            raise UsageError(f"{self.protocol.name} has no KEM")
        return self.protocol.kem

    def __repr__(self) -> str:
        role = "initiator" if self.initiator else "responder"
        return f"HandshakeState({self.protocol.name}, {role}, {self.state.name})"


def _check_keys(
    protocol: NoiseProtocol,
    *,
    initiator: bool,
    static: DHKeyPair | None,
    remote_static: bytes | None,
    psks: Sequence[bytes],
) -> None:
    pattern = protocol.pattern
    if (static is not None) != pattern.needs_static(initiator=initiator):
        raise UsageError(f"{pattern.name}: a static key pair is {'not wanted' if static else 'missing'}")
    if (remote_static is not None) != pattern.knows_remote(initiator=initiator):
        raise UsageError(f"{pattern.name}: the peer's static key is {'not wanted' if remote_static else 'missing'}")
    for public in (static.public if static else None, remote_static):
        if public is not None and len(public) != protocol.dh.length:
            raise UsageError(f"a public key of {protocol.dh.name} has {protocol.dh.length} bytes, not {len(public)}")
    if len(psks) != pattern.psk_count:
        raise UsageError(f"{pattern.name} takes {pattern.psk_count} pre-shared keys, not {len(psks)}")

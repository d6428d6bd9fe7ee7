"""Alice's account of this run: registered, entered with a password that only she ever sees, and as a device."""

from dataclasses import dataclass

from entrenous.crypto import FLOOR, Argon2Parameters, Entropy, SigningKey, draw
from entrenous.explain.model import Attempt
from entrenous.explain.run.handshake import Host
from entrenous.explain.run.line import Line, Sent
from entrenous.explain.run.recorder import Recorder, agree, attempt
from entrenous.identity import (
    ID_SIZE,
    AccountIdentity,
    DeviceKeys,
    DeviceLoginTBS,
    RecoveryCode,
    VaultBody,
    VaultKey,
    WrapSlot,
    credential_identifier,
    first_device_list,
    opaque_context,
    open_vault,
    parse_vault,
    password_bytes,
    seal_vault,
    sign_device_list,
    sign_device_login,
    suggest_password,
    unwrap_key,
    verify_device_login,
    wrap_key,
)
from entrenous.opaque import (
    ClientLogin,
    ClientRegistration,
    ExportKey,
    KeyStretching,
    LoginResult,
    Server,
    ServerLogin,
    argon2id_stretching,
    check_record,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)
from entrenous.wire import replies, requests
from entrenous.wire.limits import TOKEN_SIZE
from entrenous.wire.types import KsfParameters

#: What the account is called.
LOGIN_NAME = "alice"


@dataclass(frozen=True, slots=True)
class Registration:
    """How the account came to be.

    Attributes:
        blind: what hid the password in the request; only the client had it.
        record: what the server keeps of the password.
        vault: what the server keeps of the account's own keys.
    """

    start: Sent
    challenge: Sent
    finish: Sent
    blind: bytes
    request: bytes
    response: bytes
    record: bytes
    vault: bytes
    vault_key: bytes
    randomized_password: bytes
    export_key: bytes
    cost: str


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """One login with the password, bound to the channel it came over."""

    start: Sent
    challenge: Sent
    finish: Sent
    ke1: bytes
    ke2: bytes
    ke3: bytes
    context: bytes
    session_key: bytes
    trace: Recorder
    checks: tuple[str, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """One login of a known device."""

    sent: Sent
    signed: DeviceLoginTBS
    signature: bytes
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """Alice's account and how she got into it."""

    password: str
    identity: AccountIdentity
    device: DeviceKeys
    registration: Registration
    login: PasswordLogin
    device_login: DeviceLogin


@dataclass(frozen=True, slots=True)
class Desk:
    """Both sides of registering and logging in, and what they share.

    Attributes:
        line: Alice's connection.
        host: the server's identity.
        opaque: the server's OPAQUE secrets.
        entropy: everybody's.
        cost: of one guess at a password.
    """

    line: Line
    host: Host
    opaque: Server
    entropy: Entropy
    cost: Argon2Parameters = FLOOR

    @property
    def server_id(self) -> bytes:
        """What clients pin."""
        return self.host.identity.server_id

    def context(self, line: Line) -> bytes:
        """What binds a login to a channel."""
        return opaque_context(line.suite.number, line.client.handshake_hash)

    def open_account(self) -> Account:
        """Register, then log in with the password, then as a device."""
        password = suggest_password(self.entropy)
        account_id = draw(self.entropy, ID_SIZE)
        identity = AccountIdentity(account_id, SigningKey.generate(self.entropy))
        device = DeviceKeys.generate(self.entropy)
        registration = self.register(password, identity, device)
        login = self.log_in(password, identity, registration)
        return Account(password, identity, device, registration, login, self.come_back(identity, device))

    def register(self, password: str, identity: AccountIdentity, device: DeviceKeys) -> Registration:
        """Registration of the password and of a recovery code (RFC 9807 §5)."""
        account_id, entropy, trace = identity.account_id, self.entropy, Recorder()
        code = RecoveryCode.generate(entropy)
        state, request = start_registration(password_bytes(password), entropy)
        recovery_state, recovery_request = start_registration(code.reveal(), entropy)
        start, asked = self.line.call(
            requests.RegisterStart(draw(entropy, TOKEN_SIZE), LOGIN_NAME, request, recovery_request)
        )
        challenge, told = self.line.answer(
            replies.RegisterChallenge(
                account_id,
                self.opaque.respond_registration(asked.password_request, _credential(account_id)),
                self.opaque.respond_registration(asked.recovery_request, _credential(account_id, recovery=True)),
            )
        )
        recovery_record, recovery_key = self._record(recovery_state, told.recovery_response, account_id, Recorder())
        record, export_key = self._record(state, told.password_response, account_id, trace)
        vault_key = VaultKey.generate(entropy)
        vault = seal_vault(
            VaultBody(1, identity.signing_key.seed.reveal(), (), (), ()),
            vault_key,
            (
                wrap_key(vault_key, WrapSlot.PASSWORD, export_key, account_id=account_id, entropy=entropy),
                wrap_key(vault_key, WrapSlot.RECOVERY, recovery_key, account_id=account_id, entropy=entropy),
            ),
            account_id=account_id,
            entropy=entropy,
        )
        finish, kept = self.line.call(
            requests.RegisterFinish(
                KsfParameters(self.cost.memory_kib, self.cost.iterations, self.cost.lanes),
                record,
                recovery_record,
                identity.signing_key.public,
                sign_device_list(identity, first_device_list(account_id, device.entry)),
                vault,
            )
        )
        check_record(kept.password_record)
        check_record(kept.recovery_record)
        self.line.answer(replies.Done())
        return Registration(
            start,
            challenge,
            finish,
            state.blind.reveal(),
            request,
            told.password_response,
            kept.password_record,
            kept.vault,
            vault_key.reveal(),
            trace.last("opaque.randomized_password"),
            export_key.reveal(),
            f"{self.cost.memory_kib} KiB, {self.cost.iterations} passes, {self.cost.lanes} lanes",
        )

    def _record(
        self, state: ClientRegistration, response: bytes, account_id: bytes, trace: Recorder
    ) -> tuple[bytes, ExportKey]:
        return finish_registration(
            state,
            response,
            server_identity=self.server_id,
            client_identity=account_id,
            ksf=self._stretch(),
            entropy=self.entropy,
            trace=trace,
        )

    def log_in(self, password: str, identity: AccountIdentity, made: Registration) -> PasswordLogin:
        """A login with the right password, on Alice's channel; then two that fail (RFC 9807 §6)."""
        trace = Recorder()
        state, ke1 = start_login(password_bytes(password), self.entropy)
        start, asked = self.line.call(requests.LoginStart(LOGIN_NAME, False, ke1))  # noqa: FBT003 a wire field
        kept, ke2, server_trace = self._ke2(self.line, made.record, identity.account_id, asked.ke1)
        cost = KsfParameters(self.cost.memory_kib, self.cost.iterations, self.cost.lanes)
        challenge, told = self.line.answer(replies.LoginChallenge(identity.account_id, cost, ke2))
        result = self._finish(state, told.ke2, self.line, identity.account_id, trace)
        finish, proof = self.line.call(requests.LoginFinish(result.ke3))
        session_key = finish_server_login(kept, proof.ke3)
        opened = self._open_vault(made.vault, result.export_key, identity.account_id)
        checks = (
            agree("Client and server ended with the same session key.", result.session_key, session_key),
            agree(
                "Both derived the same handshake secret.",
                trace.last("opaque.handshake_secret"),
                server_trace.last("opaque.handshake_secret"),
            ),
            agree("The export key is that of the registration.", result.export_key.reveal(), made.export_key),
            agree(
                "The vault opened, and the identity key in it is Alice's.",
                opened.identity_seed,
                identity.signing_key.seed.reveal(),
            ),
        )
        return PasswordLogin(
            start,
            challenge,
            finish,
            ke1,
            ke2,
            result.ke3,
            self.context(self.line),
            session_key.reveal(),
            trace,
            checks,
            self._attacks(password, identity.account_id, made),
        )

    def come_back(self, identity: AccountIdentity, device: DeviceKeys) -> DeviceLogin:
        """A known device's login, and the same signature carried to another channel (docs/spec/auth.md)."""
        account_id = identity.account_id

        def body(line: Line) -> DeviceLoginTBS:
            return DeviceLoginTBS(line.server.handshake_hash, self.server_id, account_id, device.device_id, 1)

        signature = sign_device_login(
            device,
            handshake_hash=self.line.client.handshake_hash,
            server_id=self.server_id,
            account_id=account_id,
            launch_counter=1,
        )
        sent, asked = self.line.call(requests.DeviceLogin(account_id, device.device_id, 1, signature))
        verify_device_login(device.login.public, body(self.line), asked.signature)
        other = self._other_line()
        relay = attempt(
            "A relay in the middle has a channel of his own to the server, and sends Alice's signature there.",
            "the server",
            lambda: verify_device_login(device.login.public, body(other), asked.signature),
        )
        return DeviceLogin(sent, body(self.line), asked.signature, (relay,))

    def _attacks(self, password: str, account_id: bytes, made: Registration) -> tuple[Attempt, ...]:
        guess = suggest_password(self.entropy)
        other = self._other_line()

        def guessed() -> LoginResult:
            state, ke1 = start_login(password_bytes(guess), self.entropy)
            _, ke2, _ = self._ke2(self.line, made.record, account_id, ke1)
            return self._finish(state, ke2, self.line, account_id, Recorder())

        def relayed() -> LoginResult:
            state, ke1 = start_login(password_bytes(password), self.entropy)
            _, ke2, _ = self._ke2(other, made.record, account_id, ke1)
            return self._finish(state, ke2, self.line, account_id, Recorder())

        def proof_made_up() -> object:
            _, ke1 = start_login(password_bytes(guess), self.entropy)
            kept, _, _ = self._ke2(self.line, made.record, account_id, ke1)
            return finish_server_login(kept, draw(self.entropy, 64))

        return (
            attempt(f"Somebody logs in as {LOGIN_NAME} with the password “{guess}”.", "his own client", guessed),
            attempt("He goes on all the same, with 64 random bytes for KE3.", "the server", proof_made_up),
            attempt(
                "A relay in the middle passes KE1 and KE2 on, with the right password, but over two channels: "
                "Alice's hash is not the server's.",
                "Alice's client",
                relayed,
            ),
        )

    def _ke2(self, line: Line, record: bytes, account_id: bytes, ke1: bytes) -> tuple[ServerLogin, bytes, Recorder]:
        trace = Recorder()
        kept, ke2 = self.opaque.start_login(
            record,
            ke1,
            credential_identifier=_credential(account_id),
            context=opaque_context(line.suite.number, line.server.handshake_hash),
            server_identity=self.server_id,
            client_identity=account_id,
            entropy=self.entropy,
            trace=trace,
        )
        return kept, ke2, trace

    def _finish(self, state: ClientLogin, ke2: bytes, line: Line, account_id: bytes, trace: Recorder) -> LoginResult:
        return finish_login(
            state,
            ke2,
            context=self.context(line),
            server_identity=self.server_id,
            client_identity=account_id,
            ksf=self._stretch(),
            trace=trace,
        )

    def _open_vault(self, blob: bytes, export_key: ExportKey, account_id: bytes) -> VaultBody:
        vault = parse_vault(blob)
        key = unwrap_key(vault, WrapSlot.PASSWORD, export_key, account_id=account_id)
        return open_vault(vault, key, account_id=account_id, at_least=1)

    def _stretch(self) -> KeyStretching:
        return argon2id_stretching(self.cost, self.cost)

    def _other_line(self) -> Line:
        line = Line(self.line.suite, self.host.credentials, pin=self.server_id, entropy=self.entropy, now=self.line.now)
        line.shake_hands()
        return line


def _credential(account_id: bytes, *, recovery: bool = False) -> bytes:
    return credential_identifier(account_id, recovery=recovery)

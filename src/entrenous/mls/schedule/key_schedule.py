"""The key schedule (RFC 9420 §8): from one epoch's init_secret and a Commit to everything the next epoch uses."""

from dataclasses import dataclass

from entrenous.codec import Opaque, Struct, struct
from entrenous.crypto import Entropy, KEMKeyPair, KEMPrivateKey, draw
from entrenous.errors import MalformedError
from entrenous.mls.schedule.secrets import (
    CommitSecret,
    ConfirmationKey,
    EncryptionSecret,
    EpochAuthenticator,
    EpochSecret,
    ExporterSecret,
    ExternalSecret,
    InitSecret,
    JoinerSecret,
    MemberSecret,
    MembershipKey,
    PskSecret,
    ResumptionPsk,
    SenderDataSecret,
    WelcomeSecret,
)
from entrenous.mls.suite import CipherSuite
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class EpochSecrets:
    """What a member keeps for as long as an epoch lasts. The parents of these values are gone by then (§9.2)."""

    sender_data_secret: SenderDataSecret
    exporter_secret: ExporterSecret
    external_secret: ExternalSecret
    confirmation_key: ConfirmationKey
    membership_key: MembershipKey
    resumption_psk: ResumptionPsk
    epoch_authenticator: EpochAuthenticator
    init_secret: InitSecret

    def encode(self) -> bytes:
        """All of them, in clear, for a store that is encrypted itself."""
        return _StoredSecrets(
            self.sender_data_secret.reveal(),
            self.exporter_secret.reveal(),
            self.external_secret.reveal(),
            self.confirmation_key.reveal(),
            self.membership_key.reveal(),
            self.resumption_psk.reveal(),
            self.epoch_authenticator.reveal(),
            self.init_secret.reveal(),
        ).encode()

    @classmethod
    def decode(cls, suite: CipherSuite, data: bytes) -> "EpochSecrets":
        """Read what ``encode`` wrote.

        Raises:
            MalformedError: ``data`` is something else, or of another suite.
        """
        stored = _StoredSecrets.decode(data)
        values = (
            stored.sender_data_secret,
            stored.exporter_secret,
            stored.external_secret,
            stored.confirmation_key,
            stored.membership_key,
            stored.resumption_psk,
            stored.epoch_authenticator,
            stored.init_secret,
        )
        if any(len(value) != suite.secret_size for value in values):
            raise MalformedError(f"a secret of {suite.name} has {suite.secret_size} bytes")
        return cls(
            SenderDataSecret(stored.sender_data_secret),
            ExporterSecret(stored.exporter_secret),
            ExternalSecret(stored.external_secret),
            ConfirmationKey(stored.confirmation_key),
            MembershipKey(stored.membership_key),
            ResumptionPsk(stored.resumption_psk),
            EpochAuthenticator(stored.epoch_authenticator),
            InitSecret(stored.init_secret),
        )


@struct
class _StoredSecrets(Struct):
    """EpochSecrets as they are stored."""

    sender_data_secret: Opaque
    exporter_secret: Opaque
    external_secret: Opaque
    confirmation_key: Opaque
    membership_key: Opaque
    resumption_psk: Opaque
    epoch_authenticator: Opaque
    init_secret: Opaque

    def __repr__(self) -> str:
        return "_StoredSecrets(...)"


@dataclass(frozen=True, slots=True)
class NewEpochSecrets:
    """What one run of the schedule yields.

    Attributes:
        secrets: to keep while the epoch lasts.
        encryption_secret: becomes the root of the secret tree and is kept nowhere else.
    """

    secrets: EpochSecrets
    encryption_secret: EncryptionSecret


@dataclass(frozen=True, slots=True)
class WelcomeKey:
    """The key and nonce that a Welcome's GroupInfo is sealed under, once (§12.4.3.1)."""

    key: bytes
    nonce: bytes

    def __repr__(self) -> str:
        return "WelcomeKey(...)"


def derive_joiner_secret(
    suite: CipherSuite,
    init_secret: InitSecret,
    commit_secret: CommitSecret,
    group_context: bytes,
    *,
    trace: Trace = SILENT,
) -> JoinerSecret:
    """The joiner_secret of the epoch that ``group_context`` (encoded) describes."""
    extracted = suite.extract(init_secret.reveal(), commit_secret.reveal())
    joiner = suite.expand_with_label(extracted, "joiner", group_context, suite.secret_size)
    trace.derived("joiner_secret", joiner, "init_secret", "commit_secret", "GroupContext")
    return JoinerSecret(joiner)


def derive_member_secret(
    suite: CipherSuite, joiner_secret: JoinerSecret, psk_secret: PskSecret, *, trace: Trace = SILENT
) -> MemberSecret:
    """The parent of welcome_secret and epoch_secret."""
    member = suite.extract(joiner_secret.reveal(), psk_secret.reveal())
    trace.derived("member_secret", member, "joiner_secret", "psk_secret")
    return MemberSecret(member)


def derive_welcome_key(suite: CipherSuite, member_secret: MemberSecret, *, trace: Trace = SILENT) -> WelcomeKey:
    """The welcome_secret's key and nonce; needs no GroupContext, which the newcomer does not know yet."""
    welcome = WelcomeSecret(suite.derive_secret(member_secret.reveal(), "welcome"))
    trace.derived("welcome_secret", welcome.reveal(), "member_secret")
    return WelcomeKey(
        suite.expand_with_label(welcome.reveal(), "key", b"", suite.aead.key_size),
        suite.expand_with_label(welcome.reveal(), "nonce", b"", suite.aead.nonce_size),
    )


def derive_epoch_secret(
    suite: CipherSuite, member_secret: MemberSecret, group_context: bytes, *, trace: Trace = SILENT
) -> EpochSecret:
    """The epoch_secret of the epoch that ``group_context`` (encoded) describes."""
    epoch = suite.expand_with_label(member_secret.reveal(), "epoch", group_context, suite.secret_size)
    trace.derived("epoch_secret", epoch, "member_secret", "GroupContext")
    return EpochSecret(epoch)


def first_epoch_secret(suite: CipherSuite, entropy: Entropy) -> EpochSecret:
    """The epoch_secret of a group's epoch 0: fresh and random (RFC 9420 §11)."""
    return EpochSecret(draw(entropy, suite.secret_size))


def derive_epoch_secrets(suite: CipherSuite, epoch_secret: EpochSecret, *, trace: Trace = SILENT) -> NewEpochSecrets:
    """Everything an epoch uses (RFC 9420 §8, table 4)."""

    def derive(name: str, label: str) -> bytes:
        value = suite.derive_secret(epoch_secret.reveal(), label)
        trace.derived(name, value, "epoch_secret")
        return value

    return NewEpochSecrets(
        EpochSecrets(
            sender_data_secret=SenderDataSecret(derive("sender_data_secret", "sender data")),
            exporter_secret=ExporterSecret(derive("exporter_secret", "exporter")),
            external_secret=ExternalSecret(derive("external_secret", "external")),
            confirmation_key=ConfirmationKey(derive("confirmation_key", "confirm")),
            membership_key=MembershipKey(derive("membership_key", "membership")),
            resumption_psk=ResumptionPsk(derive("resumption_psk", "resumption")),
            epoch_authenticator=EpochAuthenticator(derive("epoch_authenticator", "authentication")),
            init_secret=InitSecret(derive("init_secret", "init")),
        ),
        EncryptionSecret(derive("encryption_secret", "encryption")),
    )


def external_key_pair(suite: CipherSuite, external_secret: ExternalSecret) -> KEMKeyPair:
    """external_priv, which all members hold, and external_pub, which GroupInfo tells to joiners (RFC 9420 §8)."""
    return suite.derive_key_pair(external_secret.reveal())


#: HPKE's exporter context for external Commits (RFC 9420 §8.3): not a label of ours, hence written whole.
_EXTERNAL_INIT = b"MLS 1.0 external init secret"


def external_init_sender(suite: CipherSuite, external_pub: bytes, entropy: Entropy) -> tuple[bytes, InitSecret]:
    """What a joiner from outside does (RFC 9420 §8.3): returns (kem_output, init_secret).

    Raises:
        CryptoError: ``external_pub`` is no public key of the suite's KEM.
    """
    kem_output, secret = suite.hpke.export_sender(external_pub, b"", _EXTERNAL_INIT, suite.secret_size, entropy)
    return kem_output, InitSecret(secret)


def external_init_receiver(suite: CipherSuite, external_priv: KEMPrivateKey, kem_output: bytes) -> InitSecret:
    """What members do with an ExternalInit proposal (RFC 9420 §8.3).

    Raises:
        CryptoError: ``kem_output`` is no encapsulation.
    """
    return InitSecret(suite.hpke.export_receiver(external_priv, kem_output, b"", _EXTERNAL_INIT, suite.secret_size))


def export(suite: CipherSuite, exporter_secret: ExporterSecret, label: str, context: bytes, length: int) -> bytes:
    """MLS-Exporter (RFC 9420 §8.5): ``length`` bytes for a purpose of the application's, bound to the epoch.

    Args:
        suite: the group's.
        exporter_secret: the epoch's.
        label: one per purpose.
        context: any bytes; they are hashed, so their length does not matter.
        length: bytes wanted, at most 255 * KDF.Nh.

    Raises:
        UsageError: ``length`` is out of range.
    """
    purpose = suite.derive_secret(exporter_secret.reveal(), label)
    return suite.expand_with_label(purpose, "exported", suite.hash.digest(context), length)

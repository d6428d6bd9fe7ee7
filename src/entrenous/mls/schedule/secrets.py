"""The named secrets of the key schedule (RFC 9420 §8), one class each, so that none stands where another belongs."""

from entrenous.crypto import Secret


class InitSecret(Secret):
    """What one epoch hands to the next: init_secret_[n]."""

    __slots__ = ()


class CommitSecret(Secret):
    """What a Commit's path contributes to the next epoch; all zero without a path."""

    __slots__ = ()


class PskSecret(Secret):
    """What all pre-shared keys of a Commit contribute; all zero without one (§8.4)."""

    __slots__ = ()


class JoinerSecret(Secret):
    """What a Welcome carries to those who join."""

    __slots__ = ()


class MemberSecret(Secret):
    """The unnamed value between joiner_secret and its two children, welcome_secret and epoch_secret."""

    __slots__ = ()


class WelcomeSecret(Secret):
    """What a Welcome's GroupInfo is sealed under."""

    __slots__ = ()


class EpochSecret(Secret):
    """The parent of everything an epoch uses."""

    __slots__ = ()


class SenderDataSecret(Secret):
    """Seals who sent a PrivateMessage, and with which key."""

    __slots__ = ()


class EncryptionSecret(Secret):
    """The root of the secret tree (§9)."""

    __slots__ = ()


class ExporterSecret(Secret):
    """What MLS-Exporter derives from (§8.5)."""

    __slots__ = ()


class ExternalSecret(Secret):
    """The seed of the key pair that external joiners encrypt to (§8.3)."""

    __slots__ = ()


class ConfirmationKey(Secret):
    """The MAC key of the confirmation tag (§6.1)."""

    __slots__ = ()


class MembershipKey(Secret):
    """The MAC key of a PublicMessage's membership tag (§6.2)."""

    __slots__ = ()


class ResumptionPsk(Secret):
    """Proves, in a later epoch or group, membership in this epoch (§8.6)."""

    __slots__ = ()


class EpochAuthenticator(Secret):
    """Equal at two members only if they see the same epoch (§8.7)."""

    __slots__ = ()

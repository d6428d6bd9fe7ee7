"""The people of the room: one account and one device each, with what it holds of the group."""

from dataclasses import dataclass, field

from entrenous.content import ROOM_SETTINGS_EXTENSION
from entrenous.crypto import Entropy
from entrenous.errors import UsageError
from entrenous.explain.run.recorder import Recorder
from entrenous.identity import (
    LEAF_CERTIFICATE_EXTENSION,
    AccountIdentity,
    DeviceKeys,
    first_device_list,
    issue_leaf_certificate,
    verify_leaf,
)
from entrenous.mls import (
    ROOM_SUITE,
    BasicCredential,
    Extension,
    Group,
    KeyPackageBundle,
    LeafProfile,
    Lifetime,
    NewEpoch,
    Presented,
    Received,
    SecretTree,
    create_key_package,
    find_extension,
    make_capabilities,
    unprotect,
)

#: Seconds that a KeyPackage's lifetime begins before it is made, and ends after it (docs/spec/groups.md).
BACKDATED, LIFETIME = 86_400, 30 * 86_400


@dataclass
class Member:
    """Somebody's device in the room, or on the way into it.

    Attributes:
        trace: of everything that the device derives.
        group: the epoch that it is in; None outside.
    """

    name: str
    identity: AccountIdentity
    device: DeviceKeys
    profile: LeafProfile
    trace: Recorder = field(default_factory=Recorder)
    _group: Group | None = None
    _keys: SecretTree | None = None

    @classmethod
    def make(cls, name: str, identity: AccountIdentity, device: DeviceKeys, entropy: Entropy) -> "Member":
        """A device with a leaf that its account has certified (docs/spec/groups.md)."""
        certificate = issue_leaf_certificate(
            identity, first_device_list(identity.account_id, device.entry), device.entry
        )
        profile = LeafProfile(
            BasicCredential(identity.credential.encode()),
            make_capabilities(
                (ROOM_SUITE,), entropy, extension_types=(ROOM_SETTINGS_EXTENSION, LEAF_CERTIFICATE_EXTENSION)
            ),
            (Extension(LEAF_CERTIFICATE_EXTENSION, certificate),),
        )
        return cls(name, identity, device, profile)

    @property
    def group(self) -> Group:
        """The epoch that the device is in.

        Raises:
            UsageError: it is in none.
        """
        if self._group is None:
            raise UsageError(f"{self.name} is in no room")
        return self._group

    @property
    def keys(self) -> SecretTree:
        """The keys of that epoch's messages.

        Raises:
            UsageError: it is in none.
        """
        if self._keys is None:
            raise UsageError(f"{self.name} is in no room")
        return self._keys

    def enter(self, epoch: NewEpoch) -> None:
        """Go on to an epoch; what was before is forgotten."""
        self._group, self._keys = epoch.group, SecretTree(epoch.nodes)

    def key_package(self, entropy: Entropy, now: int) -> KeyPackageBundle:
        """A KeyPackage, so that others can add the device while it is away."""
        lifetime = Lifetime(now - BACKDATED, now + LIFETIME)
        return create_key_package(ROOM_SUITE, self.device.mls, self.profile, lifetime, entropy)

    def receive(self, message: bytes) -> Received:
        """Open a message of the room, and forget its key.

        Raises:
            CryptoError, MalformedError, RejectedError: it is not for this device in this epoch.
        """
        received = unprotect(self.group, self.keys, message, trace=self.trace)
        self.keys.apply(received.changes)
        return received


def judge_leaf(presented: Presented) -> None:
    """The validator of the room's leaves: each is certified by the account that it names (docs/spec/groups.md).

    Raises:
        CryptoError, MalformedError, RejectedError: it is not.
    """
    leaf, credential = presented.leaf, presented.credential
    if leaf is None or not isinstance(credential, BasicCredential):
        raise UsageError("everybody in this run shows an account")
    certificate = find_extension(leaf.extensions, LEAF_CERTIFICATE_EXTENSION) or b""
    verify_leaf(credential.identity, leaf.signature_key, certificate)

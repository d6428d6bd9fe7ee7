"""An account's and a device's own keys. One key, one role: none of them signs for another's purpose."""

from dataclasses import dataclass, field

from entrenous.codec import Bytes16, Bytes32, Struct, struct
from entrenous.crypto import Entropy, SigningKey, draw
from entrenous.errors import UsageError
from entrenous.identity.labels import Label, fingerprint

#: Bytes of an account's and of a device's id.
ID_SIZE = 16


@struct
class AccountCredential(Struct):
    """Who an account is, in public: the identity of its MLS BasicCredential (RFC 9420 §5.3)."""

    account_id: Bytes16
    identity_key: Bytes32

    def fingerprint(self) -> bytes:
        """32 bytes that stand for the account where it does not fit whole, as in a link."""
        return fingerprint(Label.IDENTITY_FINGERPRINT, self.encode())


@struct
class DeviceEntry(Struct):
    """A device in public, as its account's list names it."""

    device_id: Bytes16
    login_key: Bytes32
    mls_key: Bytes32


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """An account's own identity. The signing key lives in the vault and in no server's reach."""

    account_id: bytes
    signing_key: SigningKey = field(repr=False)

    def __post_init__(self) -> None:
        _check_id(self.account_id)

    @classmethod
    def generate(cls, entropy: Entropy) -> "AccountIdentity":
        """A new account."""
        return cls(draw(entropy, ID_SIZE), SigningKey.generate(entropy))

    @classmethod
    def restore(cls, account_id: bytes, seed: bytes) -> "AccountIdentity":
        """The account whose vault holds ``seed``, 32 bytes."""
        return cls(account_id, SigningKey.from_seed(seed))

    @property
    def credential(self) -> AccountCredential:
        """The public half."""
        return AccountCredential(self.account_id, self.signing_key.public)


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """A device's own keys, made on the device and never leaving it."""

    device_id: bytes
    login: SigningKey = field(repr=False)
    mls: SigningKey = field(repr=False)

    def __post_init__(self) -> None:
        _check_id(self.device_id)

    @classmethod
    def generate(cls, entropy: Entropy) -> "DeviceKeys":
        """A new device."""
        return cls(draw(entropy, ID_SIZE), SigningKey.generate(entropy), SigningKey.generate(entropy))

    @classmethod
    def restore(cls, device_id: bytes, login_seed: bytes, mls_seed: bytes) -> "DeviceKeys":
        """The device whose profile holds these seeds, 32 bytes each."""
        return cls(device_id, SigningKey.from_seed(login_seed), SigningKey.from_seed(mls_seed))

    @property
    def entry(self) -> DeviceEntry:
        """The public half."""
        return DeviceEntry(self.device_id, self.login.public, self.mls.public)


def _check_id(value: bytes) -> None:
    if len(value) != ID_SIZE:
        raise UsageError(f"an id has {ID_SIZE} bytes, not {len(value)}")

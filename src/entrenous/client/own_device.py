"""This device as rooms see it: its account, its leaf key, and what its leaf shows (docs/spec/groups.md)."""

from dataclasses import dataclass, field
from typing import Self

from entrenous.client.store import Rows, account
from entrenous.content import ROOM_SETTINGS_EXTENSION
from entrenous.crypto import Entropy, SigningKey
from entrenous.errors import UsageError
from entrenous.identity import (
    LEAF_CERTIFICATE_EXTENSION,
    AccountIdentity,
    DeviceKeys,
    issue_leaf_certificate,
    verify_device_list,
)
from entrenous.mls.group import LeafProfile, make_capabilities
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import BasicCredential, Extension

#: Marks a KeyPackage that may be used more than once (last_resort, in the registry of RFC 9420 §17.3).
LAST_RESORT_EXTENSION = 0x000A
#: The extensions that every leaf of ours says it understands.
_UNDERSTOOD = (ROOM_SETTINGS_EXTENSION, LEAF_CERTIFICATE_EXTENSION, LAST_RESORT_EXTENSION)


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """Who this client is in every room.

    Attributes:
        signer: the leaf key.
        profile: what every leaf and KeyPackage of this device shows.
        device_list_version: of the list that the certificate in ``profile`` was made under.
    """

    account_id: bytes
    device_id: bytes
    login_name: str
    identity_key: bytes
    device_list_version: int
    signer: SigningKey = field(repr=False)
    profile: LeafProfile

    @classmethod
    def load(cls, rows: Rows, entropy: Entropy) -> Self:
        """Read it from a profile, and certify its leaf with the account's identity key.

        Raises:
            UsageError: the profile is empty.
            RejectedError: rule ID-LEAF-DEVICE, the account has revoked this device.
        """
        row = account.get(rows)
        if row is None:
            raise UsageError("an empty profile has no device")
        identity = AccountIdentity.restore(row.account_id, row.identity_seed.reveal())
        device = DeviceKeys.restore(row.device_id, row.login_seed.reveal(), row.mls_seed.reveal())
        devices = verify_device_list(row.device_list, identity.credential)
        certificate = issue_leaf_certificate(identity, devices, device.entry)
        profile = LeafProfile(
            BasicCredential(identity.credential.encode()),
            make_capabilities((ROOM_SUITE,), entropy, extension_types=_UNDERSTOOD),
            (Extension(LEAF_CERTIFICATE_EXTENSION, certificate),),
        )
        key = identity.credential.identity_key
        return cls(row.account_id, row.device_id, row.login_name, key, devices.version, device.mls, profile)

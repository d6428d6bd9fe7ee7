"""What every MLS leaf carries: the account's word that this signature key is one of its devices (docs/spec: accounts).

A leaf is judged from its own bytes alone, so all members judge it alike; the list's version and hash inside show each
member whether a newer list is withheld from him.
"""

import enum
from dataclasses import dataclass

from entrenous.codec import Bytes16, Bytes32, Bytes64, Struct, UInt32, struct
from entrenous.crypto import constant_time_equal, verify
from entrenous.errors import RejectedError
from entrenous.identity.account import AccountCredential, AccountIdentity, DeviceEntry
from entrenous.identity.device_list import DeviceList
from entrenous.identity.labels import Label, signed

#: The leaf extension's type, from the range for private use (RFC 9420 §17.3).
LEAF_CERTIFICATE_EXTENSION = 0xF0E1


@struct
class LeafCertificateTBS(Struct):
    """What the identity key signs for each device."""

    account_id: Bytes16
    device_id: Bytes16
    mls_key: Bytes32
    list_version: UInt32
    list_hash: Bytes32


@struct
class LeafCertificate(Struct):
    """The content of the leaf extension."""

    tbs: LeafCertificateTBS
    signature: Bytes64


@dataclass(frozen=True, slots=True)
class LeafOwner:
    """Whose a verified leaf is, and the device list its certificate was made under."""

    account_id: bytes
    identity_key: bytes
    device_id: bytes
    mls_key: bytes
    list_version: int
    list_hash: bytes

    @property
    def credential(self) -> AccountCredential:
        """The owner's account."""
        return AccountCredential(self.account_id, self.identity_key)


class LeafStanding(enum.Enum):
    """How a leaf stands to the newest device list we hold of its account. It informs; it never refuses a Commit."""

    LISTED = "listed"
    #: The list revokes the device.
    REVOKED = "revoked"
    #: The list does not know the device, or knows it with another key.
    UNKNOWN = "unknown"
    #: The leaf was made under a newer list than we were given.
    WITHHELD = "withheld"
    #: Two lists of one version exist: whoever holds the identity key told two stories.
    FORKED = "forked"


def issue_leaf_certificate(identity: AccountIdentity, devices: DeviceList, device: DeviceEntry) -> bytes:
    """Sign ``device``, which stands in ``devices``; returns the extension's content.

    Raises:
        RejectedError: rule ID-LEAF-DEVICE, the list does not name this device.
    """
    if devices.account_id != identity.account_id or device not in devices.devices:
        raise RejectedError("ID-LEAF-DEVICE", "the account's list does not name this device")
    tbs = LeafCertificateTBS(identity.account_id, device.device_id, device.mls_key, devices.version, devices.hash())
    return LeafCertificate(tbs, identity.signing_key.sign(signed(Label.LEAF_CERTIFICATE, tbs))).encode()


def verify_leaf(credential_identity: bytes, signature_key: bytes, extension: bytes) -> LeafOwner:
    """Judge a leaf from its own bytes.

    Args:
        credential_identity: the identity of the leaf's BasicCredential.
        signature_key: the leaf's signature key.
        extension: the content of its extension ``LEAF_CERTIFICATE_EXTENSION``.

    Raises:
        MalformedError: the credential or the extension cannot be read.
        RejectedError: rule ID-LEAF-ACCOUNT, ID-LEAF-KEY or ID-LEAF-VERSION.
        CryptoError: the account's identity key did not sign the certificate.
    """
    credential = AccountCredential.decode(credential_identity)
    certificate = LeafCertificate.decode(extension)
    tbs = certificate.tbs
    if tbs.account_id != credential.account_id:
        raise RejectedError("ID-LEAF-ACCOUNT", "credential and certificate name different accounts")
    if not constant_time_equal(tbs.mls_key, signature_key):
        raise RejectedError("ID-LEAF-KEY", "the certificate is for another signature key")
    if tbs.list_version < 1:
        raise RejectedError("ID-LEAF-VERSION", "versions of device lists begin with 1")
    verify(credential.identity_key, signed(Label.LEAF_CERTIFICATE, tbs), certificate.signature)
    return LeafOwner(
        credential.account_id, credential.identity_key, tbs.device_id, tbs.mls_key, tbs.list_version, tbs.list_hash
    )


def leaf_standing(owner: LeafOwner, newest: DeviceList) -> LeafStanding:
    """Compare a verified leaf with the newest verified device list of its account.

    Raises:
        RejectedError: rule ID-LIST-ACCOUNT, the list is another account's.
    """
    if newest.account_id != owner.account_id:
        raise RejectedError("ID-LIST-ACCOUNT", "the list is another account's")
    if owner.device_id in newest.revoked:
        return LeafStanding.REVOKED
    if owner.list_version > newest.version:
        return LeafStanding.WITHHELD
    if owner.list_version == newest.version and owner.list_hash != newest.hash():
        return LeafStanding.FORKED
    entry = newest.device(owner.device_id)
    return LeafStanding.LISTED if entry is not None and entry.mls_key == owner.mls_key else LeafStanding.UNKNOWN

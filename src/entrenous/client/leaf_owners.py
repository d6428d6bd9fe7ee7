"""Whose a leaf is: the account and the device in its credential and its certificate."""

from functools import lru_cache

from entrenous.errors import RejectedError
from entrenous.identity import (
    LEAF_CERTIFICATE_EXTENSION,
    AccountCredential,
    LeafCertificate,
    LeafOwner,
    verify_leaf,
)
from entrenous.mls.types import BasicCredential, LeafNode, find_extension

#: Leaves whose owners are kept: every Commit asks for those of all members, and few have changed since the last one.
KEPT = 8_192


def owner_of(leaf: LeafNode) -> LeafOwner:
    """Whose leaf it is, by its certificate.

    Raises:
        RejectedError: a rule ID-LEAF-… is broken; POLICY-CREDENTIAL, it shows no account.
        MalformedError: the certificate or the credential is no encoding of such.
        CryptoError: the account did not sign the certificate.
    """
    identity, certificate = _shown(leaf)
    return verify_leaf(identity, leaf.signature_key, certificate)


def known_owner_of(leaf: LeafNode) -> LeafOwner:
    """Whose leaf it is, of a leaf that was judged when it came into the tree: its signature is not verified again.

    Raises:
        RejectedError, MalformedError: as ``owner_of``.
    """
    return _read(*_shown(leaf))


@lru_cache(KEPT)
def _read(identity: bytes, certificate: bytes) -> LeafOwner:
    """What credential and certificate say, without judging it."""
    account, tbs = AccountCredential.decode(identity), LeafCertificate.decode(certificate).tbs
    return LeafOwner(
        account.account_id, account.identity_key, tbs.device_id, tbs.mls_key, tbs.list_version, tbs.list_hash
    )


def _shown(leaf: LeafNode) -> tuple[bytes, bytes]:
    """The account's credential and the certificate that a leaf shows."""
    if not isinstance(leaf.credential, BasicCredential):
        raise RejectedError("POLICY-CREDENTIAL", "a leaf shows another credential than an account's")
    certificate = find_extension(leaf.extensions, LEAF_CERTIFICATE_EXTENSION)
    if certificate is None:
        raise RejectedError("POLICY-CERTIFICATE", "a leaf shows no certificate of its account")
    return leaf.credential.identity, certificate

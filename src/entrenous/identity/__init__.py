"""Who servers, accounts and devices are, and how each proves it."""

from entrenous.identity.certificate import (
    MAX_ROTATIONS,
    RotationStatement,
    ServerCertificate,
    ServerIdentity,
    ServerIdentityKey,
    issue_certificate,
    verify_certificate,
)
from entrenous.identity.labels import Label, fingerprint, labelled, signed

__all__ = [
    "MAX_ROTATIONS",
    "Label",
    "RotationStatement",
    "ServerCertificate",
    "ServerIdentity",
    "ServerIdentityKey",
    "fingerprint",
    "issue_certificate",
    "labelled",
    "signed",
    "verify_certificate",
]

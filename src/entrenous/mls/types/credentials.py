"""Credentials: who a member says it is (RFC 9420 §5.3)."""

from typing import Annotated

from entrenous.codec import Opaque, Select, Struct, Vector, struct
from entrenous.mls.types.registries import CredentialType


@struct
class BasicCredential(Struct):
    """A bare identity; what it means is the application's to say."""

    identity: Opaque


@struct
class Certificate(Struct):
    """One DER-encoded certificate of a chain."""

    cert_data: Opaque


@struct
class X509Credential(Struct):
    """An X.509 chain, the end entity first."""

    certificates: Vector[Certificate]


_CASES = {CredentialType.BASIC: BasicCredential, CredentialType.X509: X509Credential}

Credential = Annotated[BasicCredential | X509Credential, Select(CredentialType, _CASES)]


def credential_type(credential: Credential) -> CredentialType:
    """The registry's number of a credential's kind."""
    return CredentialType.BASIC if isinstance(credential, BasicCredential) else CredentialType.X509

"""An X.509 Authentication Service for tests: a root, an intermediate, and who judges the chains that they issue."""

import datetime as dt
import hashlib
import itertools
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID

from entrenous.crypto import SignatureScheme
from entrenous.errors import RejectedError
from entrenous.mls.group import Presented
from entrenous.mls.types import Certificate, Credential, X509Credential
from mls_members import NOW

_YEAR = dt.timedelta(days=365)
_START = dt.datetime.fromtimestamp(NOW, dt.UTC) - dt.timedelta(days=1)
_CURVES = {
    SignatureScheme.ECDSA_P256: ec.SECP256R1(),
    SignatureScheme.ECDSA_P384: ec.SECP384R1(),
    SignatureScheme.ECDSA_P521: ec.SECP521R1(),
}
Key = ed25519.Ed25519PublicKey | ed448.Ed448PublicKey | ec.EllipticCurvePublicKey


def library_key(scheme: SignatureScheme, public: bytes) -> Key:
    """A leaf's signature_key as the library of certificates has it."""
    match scheme:
        case SignatureScheme.ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(public)
        case SignatureScheme.ED448:
            return ed448.Ed448PublicKey.from_public_bytes(public)
        case _:
            return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[scheme], public)


class Authority:
    """A root and an intermediate under it, and the judge who trusts the root; the same for the same name."""

    def __init__(self, name: str = "authority") -> None:
        self._serial = itertools.count(1)
        self._root_key, self._key = _key(f"{name} root"), _key(name)
        self._root_name, self._name = _named(f"{name} root"), _named(name)
        self.root = self._issue(self._root_name, self._root_key.public_key(), self._root_name, self._root_key)
        self.intermediate = self._issue(self._name, self._key.public_key(), self._root_name, self._root_key)

    def certifies(
        self, identity: str, public: bytes, scheme: SignatureScheme = SignatureScheme.ED25519
    ) -> X509Credential:
        """A chain for somebody's signature key, without the root, which everybody has."""
        end = self._issue(_named(identity), library_key(scheme, public), self._name, self._key)
        return X509Credential(
            tuple(Certificate(one.public_bytes(serialization.Encoding.DER)) for one in (end, self.intermediate))
        )

    def judge(self, presented: Presented) -> None:
        """The CredentialValidator of an application that takes this authority's chains, and of each name one key."""
        name = self.name_in(presented.credential)
        if presented.replaced is not None and self.name_in(presented.replaced) != name:
            raise RejectedError("APP-SUCCESSOR", "a credential of somebody else")

    def name_in(self, credential: Credential) -> str:
        """The name that a chain of ours presents."""
        if not isinstance(credential, X509Credential):
            raise RejectedError("APP-CREDENTIAL", "not X.509")
        chain = [x509.load_der_x509_certificate(one.cert_data) for one in credential.certificates]
        _check_chain([*chain, self.root])
        (name,) = chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(name.value)

    def _issue(
        self, subject: x509.Name, key: Key, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(next(self._serial))
        builder = builder.not_valid_before(_START).not_valid_after(_START + _YEAR)
        return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)


def _key(name: str) -> ec.EllipticCurvePrivateKey:
    scalar = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") >> 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _check_chain(chain: Sequence[x509.Certificate]) -> None:
    now = dt.datetime.fromtimestamp(NOW, dt.UTC)
    for one, issuer in itertools.pairwise(chain):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, InvalidSignature):
            raise RejectedError("APP-CHAIN", "a chain leads to no root of ours") from None
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            raise RejectedError("APP-EXPIRED", "a certificate is not valid now")

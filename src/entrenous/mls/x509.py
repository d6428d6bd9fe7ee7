"""The key in an X.509 certificate (RFC 5280 §4.1), read without judging anything else of it (RFC 9420 §5.3)."""

from collections.abc import Iterable

from entrenous.crypto import SignatureScheme
from entrenous.errors import MalformedError, RejectedError
from entrenous.mls.types import Credential, X509Credential

_INTEGER, _BIT_STRING, _SEQUENCE, _VERSION = 0x02, 0x03, 0x30, 0xA0
_EC_PUBLIC_KEY = "06072a8648ce3d0201"

#: What stands in a certificate's AlgorithmIdentifier for each scheme: its object identifier, and the curve's for ECDSA.
_ALGORITHMS = {
    SignatureScheme.ED25519: bytes.fromhex("06032b6570"),
    SignatureScheme.ED448: bytes.fromhex("06032b6571"),
    SignatureScheme.ECDSA_P256: bytes.fromhex(_EC_PUBLIC_KEY + "06082a8648ce3d030107"),
    SignatureScheme.ECDSA_P384: bytes.fromhex(_EC_PUBLIC_KEY + "06052b81040022"),
    SignatureScheme.ECDSA_P521: bytes.fromhex(_EC_PUBLIC_KEY + "06052b81040023"),
}


def check_certified_key(credential: Credential, signature_key: bytes, scheme: SignatureScheme) -> None:
    """Check that an X.509 credential is of the leaf that shows it; a basic one says nothing of keys.

    Whether the chain is to be trusted is the application's to judge.

    Args:
        credential: of a leaf.
        signature_key: of the same leaf.
        scheme: of the group's suite.

    Raises:
        MalformedError: its first certificate is none.
        RejectedError: rule MLS-CREDENTIAL-X509-KEY.
    """
    if not isinstance(credential, X509Credential):
        return
    if not credential.certificates:
        raise RejectedError("MLS-CREDENTIAL-X509-KEY", "an X.509 credential without a certificate")
    algorithm, key = subject_public_key(credential.certificates[0].cert_data)
    # RFC 9420 §5.3: the key in the end-entity certificate "MUST be identical to the signature_key"; §5.1.2: so must
    # its algorithm be to the suite's
    if (algorithm, key) != (_ALGORITHMS[scheme], signature_key):
        raise RejectedError("MLS-CREDENTIAL-X509-KEY", "an X.509 certificate is of another key than its leaf's")


def subject_public_key(certificate: bytes) -> tuple[bytes, bytes]:
    """The algorithm (an encoded AlgorithmIdentifier without its header) and the key of a DER-encoded certificate.

    Raises:
        MalformedError: the bytes are no certificate.
    """
    whole = _Reader(certificate)
    fields = _Reader(_Reader(whole.take(_SEQUENCE)).take(_SEQUENCE))
    if whole.left:
        raise MalformedError("bytes after an X.509 certificate")
    if fields.next_tag == _VERSION:
        fields.take(_VERSION)
    # serialNumber, signature, issuer, validity, subject
    fields.skip((_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE))
    info = _Reader(fields.take(_SEQUENCE))
    algorithm, key = info.take(_SEQUENCE), info.take(_BIT_STRING)
    # A BIT STRING begins with the number of its unused bits, and keys are whole bytes.
    if info.left or key[:1] != b"\x00":
        raise MalformedError("an X.509 certificate holds no key of whole bytes")
    return algorithm, key[1:]


class _Reader:
    """Takes one DER element (ITU-T X.690 §8.1, §10.1) after the other out of some bytes."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not taken."""
        return len(self._data) - self._at

    @property
    def next_tag(self) -> int | None:
        """The tag of the next element; None at the end."""
        return self._data[self._at] if self.left else None

    def skip(self, tags: Iterable[int]) -> None:
        """Pass elements of these tags."""
        for tag in tags:
            self.take(tag)

    def take(self, tag: int) -> bytes:
        """The contents of the next element, whose tag is known.

        Raises:
            MalformedError: it is another, or it goes beyond the end.
        """
        if self.next_tag != tag:
            raise MalformedError("this is no X.509 certificate")
        self._at += 1
        size = self._length()
        if size > self.left:
            raise MalformedError("an X.509 certificate is cut off")
        start, self._at = self._at, self._at + size
        return self._data[start : self._at]

    def _length(self) -> int:
        first = self._byte()
        if first < 0x80:
            return first
        octets = bytes(self._byte() for _ in range(first & 0x7F))
        length = int.from_bytes(octets, "big")
        # DER: the shortest form, and no indefinite one
        if length < 0x80 or octets[0] == 0:
            raise MalformedError("a length in an X.509 certificate is not in its shortest form")
        return length

    def _byte(self) -> int:
        if not self.left:
            raise MalformedError("an X.509 certificate is cut off")
        self._at += 1
        return self._data[self._at - 1]

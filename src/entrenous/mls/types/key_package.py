"""KeyPackage: what a client publishes so that others can add it (RFC 9420 §10)."""

from entrenous.codec import Opaque, Vector, encode_as, struct
from entrenous.mls.types.extensions import Extension
from entrenous.mls.types.kept import Kept, without_signature
from entrenous.mls.types.leaf_node import LeafNode
from entrenous.mls.types.registries import CipherSuiteId, HPKEPublicKey, ProtocolVersion


@struct
class KeyPackageTBS(Kept):
    """What a KeyPackage's signature covers (RFC 9420 §10)."""

    version: ProtocolVersion
    cipher_suite: CipherSuiteId
    init_key: HPKEPublicKey
    leaf_node: LeafNode
    extensions: Vector[Extension]

    def to_be_signed(self) -> bytes:
        """The bytes under the signature."""
        return encode_as(KeyPackageTBS, self)


@struct
class KeyPackage(KeyPackageTBS):
    """A signed invitation to be added once (RFC 9420 §10)."""

    signature: Opaque

    def to_be_signed(self) -> bytes:
        """The bytes under the signature."""
        return without_signature(self, self.signature)

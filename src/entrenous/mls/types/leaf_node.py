"""LeafNode, what a member shows of itself in the tree, and its parts (RFC 9420 §7.2)."""

from typing import Annotated

from entrenous.codec import Opaque, Select, Struct, UInt16, UInt32, UInt64, Vector, encode_as, struct
from entrenous.mls.types.credentials import Credential
from entrenous.mls.types.extensions import Extension
from entrenous.mls.types.kept import Kept, without_signature
from entrenous.mls.types.registries import HPKEPublicKey, LeafNodeSource, SignaturePublicKey


@struct
class Capabilities(Struct):
    """What a member's client supports; the defaults of RFC 9420 are supported without being listed."""

    versions: Vector[UInt16]
    cipher_suites: Vector[UInt16]
    extensions: Vector[UInt16]
    proposals: Vector[UInt16]
    credentials: Vector[UInt16]


@struct
class Lifetime(Struct):
    """When a LeafNode from a KeyPackage may be added, in seconds since 1970, both ends included."""

    not_before: UInt64
    not_after: UInt64


@struct
class FromUpdate(Struct):
    """The leaf came with an Update proposal."""


@struct
class FromCommit(Struct):
    """The leaf came with a Commit's UpdatePath (or made the group)."""

    parent_hash: Opaque


_SOURCES = {LeafNodeSource.KEY_PACKAGE: Lifetime, LeafNodeSource.UPDATE: FromUpdate, LeafNodeSource.COMMIT: FromCommit}

Source = Annotated[Lifetime | FromUpdate | FromCommit, Select(LeafNodeSource, _SOURCES)]


@struct
class LeafPlace(Struct):
    """Where in which group a leaf stands; a KeyPackage's leaf stands nowhere yet."""

    group_id: Opaque
    leaf_index: UInt32


@struct
class LeafNodeContent(Kept):
    """A LeafNode without its signature: the part of LeafNodeTBS that the leaf itself carries."""

    encryption_key: HPKEPublicKey
    signature_key: SignaturePublicKey
    credential: Credential
    capabilities: Capabilities
    source: Source
    extensions: Vector[Extension]

    def to_be_signed(self, place: LeafPlace | None) -> bytes:
        """The LeafNodeTBS of this leaf.

        Args:
            place: the group and index of a leaf from an Update or a Commit; a KeyPackage's leaf does not have one,
                and a place given for it is left out, as RFC 9420 §7.2 says.
        """
        if isinstance(self.source, Lifetime) or place is None:
            return self._content()
        return self._content() + place.encode()

    def _content(self) -> bytes:
        return encode_as(LeafNodeContent, self)


@struct
class LeafNode(LeafNodeContent):
    """A leaf of the ratchet tree: one member (RFC 9420 §7.2)."""

    signature: Opaque

    def _content(self) -> bytes:
        return without_signature(self, self.signature)

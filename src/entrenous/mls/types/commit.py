"""Commit and UpdatePath (RFC 9420 §7.6, §12.4)."""

from typing import Annotated

from entrenous.codec import Opaque, Select, Struct, Vector, struct
from entrenous.mls.types.leaf_node import LeafNode
from entrenous.mls.types.proposals import InlineProposal
from entrenous.mls.types.registries import HashReference, HPKEPublicKey, ProposalOrRefType


@struct
class HPKECiphertext(Struct):
    """What EncryptWithLabel returns (RFC 9420 §7.6)."""

    kem_output: Opaque
    ciphertext: Opaque


@struct
class UpdatePathNode(Struct):
    """A parent's new key, and its path secret for each node of the copath's resolution, in order."""

    encryption_key: HPKEPublicKey
    encrypted_path_secret: Vector[HPKECiphertext]


@struct
class UpdatePath(Struct):
    """The committer's new leaf and the new keys above it, from the bottom of its filtered direct path up."""

    leaf_node: LeafNode
    nodes: Vector[UpdatePathNode]


@struct
class ProposalReference(Struct):
    """A proposal sent earlier in the epoch, by its ProposalRef (RFC 9420 §5.2)."""

    reference: HashReference


_CASES = {ProposalOrRefType.PROPOSAL: InlineProposal, ProposalOrRefType.REFERENCE: ProposalReference}

ProposalOrRef = Annotated[InlineProposal | ProposalReference, Select(ProposalOrRefType, _CASES)]


@struct
class Commit(Struct):
    """The proposals of one epoch change, and new keys where they are due (RFC 9420 §12.4)."""

    proposals: Vector[ProposalOrRef]
    path: UpdatePath | None

"""Commit and UpdatePath (RFC 9420 §7.6, §12.4)."""

from collections.abc import Sequence
from typing import Annotated, Any

from entrenous.codec import Codec, Select, Struct, Vector, codec_for, struct
from entrenous.mls.types.ciphertexts import Ciphertexts, HPKECiphertext
from entrenous.mls.types.kept import Kept
from entrenous.mls.types.leaf_node import LeafNode
from entrenous.mls.types.proposals import InlineProposal
from entrenous.mls.types.registries import HashReference, HPKEPublicKey, ProposalOrRefType


@struct
class UpdatePathNode(Struct):
    """A parent's new key, and its path secret for each node of the copath's resolution, in order."""

    encryption_key: HPKEPublicKey
    encrypted_path_secret: Sequence[HPKECiphertext]

    @classmethod
    def __codec__(cls) -> Codec:
        write_key, read_key = codec_for(HPKEPublicKey)
        write_sealed, read_sealed = codec_for(Ciphertexts)

        def write(value: UpdatePathNode, out: bytearray) -> None:
            write_key(value.encryption_key, out)
            write_sealed(value.encrypted_path_secret, out)

        def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
            key, position = read_key(data, position, end)
            sealed, position = read_sealed(data, position, end)
            return cls(key, sealed), position

        return Codec(write, read)


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
class Commit(Kept):
    """The proposals of one epoch change, and new keys where they are due (RFC 9420 §12.4)."""

    proposals: Vector[ProposalOrRef]
    path: UpdatePath | None

"""Proposals: single changes to a group (RFC 9420 §12.1)."""

from typing import Annotated

from entrenous.codec import Opaque, Select, Struct, UInt32, Vector, struct
from entrenous.mls.types.extensions import Extension
from entrenous.mls.types.key_package import KeyPackage
from entrenous.mls.types.leaf_node import LeafNode
from entrenous.mls.types.psk import PreSharedKeyID
from entrenous.mls.types.registries import CipherSuiteId, ProposalType, ProtocolVersion


@struct
class Add(Struct):
    """Add the KeyPackage's client (RFC 9420 §12.1.1)."""

    key_package: KeyPackage


@struct
class Update(Struct):
    """Replace the sender's own leaf (RFC 9420 §12.1.2)."""

    leaf_node: LeafNode


@struct
class Remove(Struct):
    """Remove the member at a leaf index (RFC 9420 §12.1.3)."""

    removed: UInt32


@struct
class PreSharedKey(Struct):
    """Mix a pre-shared key into the next epoch (RFC 9420 §12.1.4)."""

    psk: PreSharedKeyID


@struct
class ReInit(Struct):
    """End this group and name the parameters of its successor (RFC 9420 §12.1.5)."""

    group_id: Opaque
    version: ProtocolVersion
    cipher_suite: CipherSuiteId
    extensions: Vector[Extension]


@struct
class ExternalInit(Struct):
    """Give the group a new init_secret from outside (RFC 9420 §12.1.6)."""

    kem_output: Opaque


@struct
class GroupContextExtensions(Struct):
    """Replace all extensions of the GroupContext (RFC 9420 §12.1.7)."""

    extensions: Vector[Extension]


_CASES = {
    ProposalType.ADD: Add,
    ProposalType.UPDATE: Update,
    ProposalType.REMOVE: Remove,
    ProposalType.PSK: PreSharedKey,
    ProposalType.REINIT: ReInit,
    ProposalType.EXTERNAL_INIT: ExternalInit,
    ProposalType.GROUP_CONTEXT_EXTENSIONS: GroupContextExtensions,
}
_TYPES = {cls: kind for kind, cls in _CASES.items()}

Proposal = Annotated[
    Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions, Select(ProposalType, _CASES)
]


def proposal_type(proposal: Proposal) -> ProposalType:
    """The registry's number of a proposal's kind."""
    return _TYPES[type(proposal)]


@struct
class InlineProposal(Struct):
    """A proposal where it is used: as the content of a message, or by value in a Commit."""

    proposal: Proposal

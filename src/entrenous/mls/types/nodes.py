"""The nodes of the ratchet tree and what is hashed of them (RFC 9420 §7.1, §7.8, §7.9, §12.4.3.3)."""

from typing import Annotated

from entrenous.codec import Opaque, Select, Struct, UInt32, Vector, struct
from entrenous.mls.types.leaf_node import LeafNode
from entrenous.mls.types.registries import HPKEPublicKey, NodeType


@struct
class ParentNode(Struct):
    """An intermediate node that is not blank (RFC 9420 §7.1)."""

    encryption_key: HPKEPublicKey
    parent_hash: Opaque
    unmerged_leaves: Vector[UInt32]


_NODES = {NodeType.LEAF: LeafNode, NodeType.PARENT: ParentNode}

Node = Annotated[LeafNode | ParentNode, Select(NodeType, _NODES)]

#: The body of the ratchet_tree extension: nodes from left to right, no blank at the end (RFC 9420 §12.4.3.3).
RatchetTreeNodes = Vector[Node | None]


@struct
class LeafNodeHashInput(Struct):
    """What a leaf's tree hash covers."""

    leaf_index: UInt32
    leaf_node: LeafNode | None


@struct
class ParentNodeHashInput(Struct):
    """What a parent's tree hash covers."""

    parent_node: ParentNode | None
    left_hash: Opaque
    right_hash: Opaque


_HASH_INPUTS = {NodeType.LEAF: LeafNodeHashInput, NodeType.PARENT: ParentNodeHashInput}

TreeHashInput = Annotated[LeafNodeHashInput | ParentNodeHashInput, Select(NodeType, _HASH_INPUTS)]


@struct
class ParentHashInput(Struct):
    """What a parent hash covers (RFC 9420 §7.9)."""

    encryption_key: HPKEPublicKey
    parent_hash: Opaque
    original_sibling_tree_hash: Opaque

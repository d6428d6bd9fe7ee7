"""Which leaves and trees a group accepts (RFC 9420 §7.3, §12.4.3.1).

Every check is a function of the bytes and the group's state, so that all members decide alike; the one that needs a
clock, a KeyPackage's lifetime, is for whoever adds, and stands in ``group.key_package``.
"""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from entrenous.errors import RejectedError
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import tree_math
from entrenous.mls.tree.parent_hash import check_parent_hashes
from entrenous.mls.tree.ratchet_tree import RatchetTree
from entrenous.mls.types import (
    GREASE_VALUES,
    Capabilities,
    Extension,
    ExtensionType,
    LeafNode,
    LeafPlace,
    ProposalType,
    ProtocolVersion,
    RequiredCapabilities,
    UpdatePath,
    check_bodies,
    credential_type,
    required_capabilities,
)
from entrenous.mls.x509 import check_certified_key

#: What every client supports without listing it (RFC 9420 §7.2).
DEFAULT_EXTENSIONS = frozenset(ExtensionType)
DEFAULT_PROPOSALS = frozenset(ProposalType)

#: RFC 9420 §17.6's label for leaves.
LEAF_LABEL = "LeafNodeTBS"


@dataclass(frozen=True, slots=True)
class GroupRules:
    """What a group asks of its members' leaves.

    Attributes:
        suite: its cipher suite.
        group_id: what leaves from Updates and Commits are signed for.
        extensions: the types of its GroupContext extensions, all of which every member must support.
        required: its required_capabilities, empty where it has none.
        needed_extensions: what a leaf's capabilities must list for these extensions and the required ones.
        needed_proposals: the same for proposals.
        needed_credentials: the same for credentials.
    """

    suite: CipherSuite
    group_id: bytes
    extensions: frozenset[int]
    required: RequiredCapabilities
    needed_extensions: frozenset[int] = field(init=False)
    needed_proposals: frozenset[int] = field(init=False)
    needed_credentials: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        extensions = self.extensions.union(self.required.extension_types) - DEFAULT_EXTENSIONS
        object.__setattr__(self, "needed_extensions", extensions)
        object.__setattr__(self, "needed_proposals", frozenset(self.required.proposal_types) - DEFAULT_PROPOSALS)
        object.__setattr__(self, "needed_credentials", frozenset(self.required.credential_types))

    @classmethod
    def of(cls, suite: CipherSuite, group_id: bytes, extensions: Iterable[Extension]) -> "GroupRules":
        """The rules of a group with these GroupContext extensions.

        Raises:
            MalformedError: an extension of RFC 9420 has a broken body.
            RejectedError: an extension type stands there twice.
        """
        return _rules_of(suite, group_id, tuple(extensions))

    def check_supported_by(self, capabilities: Capabilities) -> None:
        """Check that a member can take part (RFC 9420 §7.3, §11.1, §13.4).

        Raises:
            RejectedError: it lacks something that this group uses or requires.
        """
        # That it supports the suite shows in its keys and its signature: there are stacks that use suites which they do
        # not list. Whoever adds a client looks at its list all the same, see ``group.key_package``.
        if ProtocolVersion.MLS10 not in capabilities.versions:
            raise RejectedError("MLS-LEAF-VERSION", "a leaf does not support MLS 1.0")
        # RFC 9420 §13.4: "The capabilities field MUST indicate support for each extension in the GroupContext."
        if missing := _unsupported(self.needed_extensions, capabilities.extensions):
            raise RejectedError("MLS-LEAF-CAPABILITIES", f"a leaf lacks extensions {sorted(missing)}")
        # RFC 9420 §7.3: "required extensions, proposals, and credential types MUST be listed"
        if missing := _unsupported(self.needed_proposals, capabilities.proposals):
            raise RejectedError("MLS-LEAF-CAPABILITIES", f"a leaf lacks proposals {sorted(missing)}")
        if missing := _unsupported(self.needed_credentials, capabilities.credentials):
            raise RejectedError("MLS-LEAF-CAPABILITIES", f"a leaf lacks credentials {sorted(missing)}")


@lru_cache(maxsize=64)
def _rules_of(suite: CipherSuite, group_id: bytes, extensions: tuple[Extension, ...]) -> GroupRules:
    """``GroupRules.of``: the same from Commit to Commit. What is refused is not remembered."""
    check_extensions(extensions)
    required = required_capabilities(extensions) or RequiredCapabilities((), (), ())
    return GroupRules(suite, group_id, frozenset(e.extension_type for e in extensions), required)


def _unsupported(wanted: frozenset[int], listed: tuple[int, ...]) -> frozenset[int]:
    # RFC 9420 §13.5: a client lists GREASE values for others to ignore, and supports none of them. Every group that we
    # look at has a leaf of ours, so a group that asks for one is refused in any case.
    return wanted.difference(listed) | (wanted & GREASE_VALUES)


def check_extensions(extensions: tuple[Extension, ...]) -> None:
    """Check a list of extensions.

    Raises:
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: an extension type stands there twice.
    """
    # RFC 9420 §13.4: "MUST NOT have more than one extension of any given type"
    if len({e.extension_type for e in extensions}) != len(extensions):
        raise RejectedError("MLS-EXTENSION-TWICE", "a list of extensions holds one type twice")
    check_bodies(extensions)


def lists_extensions(capabilities: Capabilities, extensions: Iterable[Extension]) -> bool:
    """Whether a client's capabilities name, or imply, each of some extensions."""
    types = {extension.extension_type for extension in extensions} - DEFAULT_EXTENSIONS
    return not types or types.issubset(capabilities.extensions)


def check_leaf(leaf: LeafNode, rules: GroupRules, leaf_index: int | None) -> None:
    """Check one leaf by itself and against the group's rules, but not against the other members.

    Args:
        leaf: the leaf.
        rules: the group's.
        leaf_index: where it stands or is to stand; None in a KeyPackage.

    Raises:
        CryptoError: the signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken.
    """
    check_leaf_content(leaf, rules)
    check_leaf_signature(leaf, rules, leaf_index)


def check_leaf_content(leaf: LeafNode, rules: GroupRules) -> None:
    """``check_leaf`` without the signature.

    Raises:
        CryptoError: the encryption key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken.
    """
    check_extensions(leaf.extensions)
    # RFC 9420 §7.3: "the ID for each extension in the extensions field is listed in ... capabilities.extensions"
    if not lists_extensions(leaf.capabilities, leaf.extensions):
        raise RejectedError("MLS-LEAF-EXTENSION", "a leaf holds an extension that its capabilities do not list")
    # RFC 9420 §7.2: "the credential type ... MUST be included in the credentials field of the capabilities"
    if credential_type(leaf.credential) not in leaf.capabilities.credentials:
        raise RejectedError("MLS-LEAF-CREDENTIAL", "a leaf does not support its own kind of credential")
    rules.check_supported_by(leaf.capabilities)
    rules.suite.hpke.kem.check_public(leaf.encryption_key)
    check_certified_key(leaf.credential, leaf.signature_key, rules.suite.signature)


def check_leaf_signature(leaf: LeafNode, rules: GroupRules, leaf_index: int | None) -> None:
    """Check a leaf's signature.

    Raises:
        CryptoError: the signature is wrong.
    """
    place = None if leaf_index is None else LeafPlace(rules.group_id, leaf_index)
    rules.suite.verify_with_label(leaf.signature_key, LEAF_LABEL, leaf.to_be_signed(place), leaf.signature)


def check_encryption_key(suite: CipherSuite, public: bytes) -> None:
    """Check that a Commit can encrypt to a new key, so that nobody adds one that stops all later Commits.

    Raises:
        CryptoError: it is no public key of the suite's KEM, or of low order.
    """
    suite.hpke.kem.check_public(public)


def check_members(tree: RatchetTree) -> None:
    """Check what members owe to each other: distinct keys, and credentials that all understand.

    Raises:
        RejectedError: two members share a key, or one does not support another's kind of credential.
    """
    census = tree.census
    # RFC 9420 §7.3: unique among the members are "signature_key" and "encryption_key"
    if len(census.signature_keys) != census.members:
        raise RejectedError("MLS-TREE-SIGNATURE-KEY-TWICE", "two members share a signature key")
    # RFC 9420 §12.4.3.1: a parent's encryption key "does not appear in any other node of the tree"
    if len(census.encryption_keys) != census.nodes:
        raise RejectedError("MLS-TREE-ENCRYPTION-KEY-TWICE", "two nodes share an encryption key")
    # RFC 9420 §16.7: "the encryption and signature keys ... MUST be distinct from one another"
    if not census.signature_keys.keys().isdisjoint(census.encryption_keys):
        raise RejectedError("MLS-TREE-KEY-IN-TWO-ROLES", "a signature key is an encryption key, too")
    # RFC 9420 §7.3: "the credential type is supported by all members of the group"
    if not all(map(set(census.credentials).issubset, census.understood)):
        raise RejectedError("MLS-TREE-CREDENTIALS", "a member does not support another's kind of credential")


def check_path_keys(tree: RatchetTree, path: UpdatePath) -> None:
    """Check that a path's keys are new to the tree that it is about to change.

    Raises:
        RejectedError: one of them is in the tree, or twice in the path.
    """
    known = tree.census.encryption_keys.keys()
    fresh = [path.leaf_node.encryption_key, *(node.encryption_key for node in path.nodes)]
    # RFC 9420 §12.4.2: "none of the public keys in the UpdatePath appear in any node of the new ratchet tree"
    if len(set(fresh)) != len(fresh) or not known.isdisjoint(fresh):
        raise RejectedError("MLS-PATH-KEY-REUSED", "an UpdatePath brings a key that is in the tree already")


def check_tree(tree: RatchetTree, rules: GroupRules) -> None:
    """Check a whole tree that was received, as one who joins must (RFC 9420 §12.4.3.1).

    Args:
        tree: the tree; that its hash is the GroupContext's is the caller's to check.
        rules: the group's.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken.
    """
    check_members(tree)
    check_unmerged_leaves(tree)
    check_parent_hashes(tree)
    for _, parent in tree.parents():
        rules.suite.hpke.kem.check_public(parent.encryption_key)
    for leaf_index, leaf in tree.members():
        check_leaf(leaf, rules, leaf_index)


def check_unmerged_leaves(tree: RatchetTree) -> None:
    """Check that an unmerged leaf is unmerged at every parent on the way down to it.

    Raises:
        RejectedError: a parent in between knows the leaf as merged.
    """
    for index, parent in tree.parents():
        above = tree.parent_above(index)
        if above is None or not above.unmerged_leaves:
            continue
        below, unmerged = tree_math.leaves_below(index), above.unmerged_leaves
        here = unmerged[bisect.bisect_left(unmerged, below[0]) : bisect.bisect_right(unmerged, below[-1])]
        # RFC 9420 §12.4.3.1: "every non-blank intermediate node between ... also has an entry"; neighbours suffice
        if not set(here).issubset(parent.unmerged_leaves):
            raise RejectedError("MLS-TREE-UNMERGED-BETWEEN", f"node {index} knows a leaf that is unmerged above it")

"""docs/spec/groups.md, "Profile of RFC 9420": joining a group by a Welcome, and following it."""

from collections.abc import Mapping
from typing import Any

from entrenous.codec import decode_as
from entrenous.mls.framing import unprotect
from entrenous.mls.group import Group, KeyPackageBundle, NewEpoch, StagedCommit, join, stage
from entrenous.mls.schedule import SecretTree
from entrenous.mls.suite import SUITES
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import ApplicationData, BasicCredential, KeyPackage, LeafNode, RatchetTreeNodes
from entrenous.testing.vectors.form import Given


def joining(given: Given) -> Mapping[str, Any]:
    """Join with a KeyPackage and a tree, then take messages in their order."""
    suite = SUITES[given.number("suite")]
    init, leaf = (suite.hpke.key_pair(given.hex(name)) for name in ("init_key", "leaf_key"))
    bundle = KeyPackageBundle(KeyPackage.decode(given.hex("key_package")), init.private, leaf.private)
    tree = RatchetTree.from_nodes(suite.hash, decode_as(RatchetTreeNodes, given.hex("ratchet_tree")))
    epoch: NewEpoch = join(given.hex("welcome"), {bundle.reference: bundle}.get, tree=tree).epoch
    group, keys, heard = epoch.group, SecretTree(epoch.nodes), []
    for message in given.hexes("messages"):
        received = unprotect(group, keys, message)
        keys.apply(received.changes)
        if isinstance(received.body, ApplicationData):
            told = received.content.content.authenticated_data
            heard.append([received.sender_leaf, told.hex(), received.body.data.hex()])
            continue
        staged = stage(group, received)
        if isinstance(staged, StagedCommit):
            group, keys = staged.epoch.group, SecretTree(staged.epoch.nodes)
    return {**_shown(group), "heard": heard}


def _shown(group: Group) -> dict[str, Any]:
    return {
        "group_id": group.group_id.hex(),
        "epoch": group.epoch,
        "epoch_authenticator": group.epoch_authenticator.hex(),
        "leaf": group.own_leaf,
        "members": [[index, _identity(leaf)] for index, leaf in group.members()],
    }


def _identity(leaf: LeafNode) -> str | None:
    return leaf.credential.identity.hex() if isinstance(leaf.credential, BasicCredential) else None

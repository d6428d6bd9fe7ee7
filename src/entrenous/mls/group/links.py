"""A new group that an older one leads to: its successor, or a branch of it (RFC 9420 §11.2, §11.3, §12.4.3.1)."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from entrenous.errors import RejectedError
from entrenous.mls.group.group import Group
from entrenous.mls.group.psks import GroupSource, is_link
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import Credential, GroupContext, PreSharedKeyID, ReInit, ResumptionPSK, ResumptionPSKUsage

#: What a credential presents of its owner: two are of the same member if these are equal.
Identify = Callable[[Credential], Hashable]


def whole_credential(credential: Credential) -> Hashable:
    """The Identify for which only equal credentials are the same member's."""
    return credential


@dataclass(frozen=True, slots=True)
class Link:
    """A resumption PSK of usage reinit or branch, and the group that it is of, as we hold it."""

    psk: ResumptionPSK
    predecessor: Group


def find_link(identities: Iterable[PreSharedKeyID], groups: GroupSource) -> Link | None:
    """The link that a Welcome's pre-shared keys make to an older group; None in an ordinary one.

    Raises:
        RejectedError: MLS-PSK-USAGE, there are two; MLS-PSK-UNKNOWN, we are not in the older group;
            MLS-REINIT-NOT-AGREED, its members did not agree to leave it.
    """
    found = [identity.psk for identity in identities if is_link(identity.psk)]
    if not found:
        return None
    # RFC 9420 §12.4.3.1: "if a PreSharedKeyID has type resumption with usage reinit or branch, verify that it is the
    # only such PSK"
    if len(found) > 1:
        raise RejectedError("MLS-PSK-USAGE", "a Welcome links its group to two others")
    psk = found[0]
    predecessor = groups(psk.psk_group_id)
    if predecessor is None:
        raise RejectedError("MLS-PSK-UNKNOWN", "a Welcome links its group to one that we are not in")
    link = Link(psk, predecessor)
    if psk.usage is ResumptionPSKUsage.REINIT:
        _agreed(link)
    return link


def check_link(link: Link, context: GroupContext, tree: RatchetTree, identify: Identify) -> None:
    """Check that a new group is what its link to an older one promises (RFC 9420 §12.4.3.1, last step).

    Args:
        link: to the older group.
        context: of the new one, in its first epoch with more than its creator.
        tree: of the same epoch.
        identify: tells who is who in both.

    Raises:
        RejectedError: MLS-LINK-EPOCH, or a rule MLS-REINIT-… or MLS-BRANCH-….
    """
    # RFC 9420 §12.4.3.1: "verify that the epoch field in the GroupInfo is equal to 1"
    if context.epoch != 1:
        raise RejectedError("MLS-LINK-EPOCH", f"a linked group begins with epoch 1, not {context.epoch}")
    old, new = (
        Counter(identify(leaf.credential) for _, leaf in members.members()) for members in (link.predecessor.tree, tree)
    )
    if link.psk.usage is ResumptionPSKUsage.BRANCH:
        _check_branch(link.predecessor.context, context)
        # RFC 9420 §11.3: "Each LeafNode in a new subgroup MUST match some LeafNode in the original group"
        if not new.keys() <= old.keys():
            raise RejectedError("MLS-BRANCH-MEMBERS", "a branch has a member that its origin has not")
    else:
        _check_successor(_agreed(link), context)
        # RFC 9420 §11.2: "a new group with the same membership", each client of a member counted
        if new != old:
            raise RejectedError("MLS-REINIT-MEMBERS", "a successor has other members than the group that it replaces")


def _agreed(link: Link) -> ReInit:
    """What the members of a group agreed to leave it for."""
    agreed = link.predecessor.reinit
    # RFC 9420 §11.2: the epoch field "indicates the epoch after the Commit covering the ReInit"
    if agreed is None or link.psk.psk_epoch != link.predecessor.epoch:
        raise RejectedError("MLS-REINIT-NOT-AGREED", "no ReInit ended the group in the epoch that is named")
    return agreed


def _check_successor(agreed: ReInit, context: GroupContext) -> None:
    wanted = agreed.group_id, agreed.version, agreed.cipher_suite, agreed.extensions
    # RFC 9420 §11.2: "MUST be the same as the corresponding fields in the ReInit proposal"
    if (context.group_id, context.version, context.cipher_suite, context.extensions) != wanted:
        raise RejectedError("MLS-REINIT-PARAMETERS", "a successor is another group than was agreed")


def _check_branch(old: GroupContext, new: GroupContext) -> None:
    # RFC 9420 §11.3: "The version and cipher_suite values ... are the same as those used by the old group"
    if (new.version, new.cipher_suite) != (old.version, old.cipher_suite):
        raise RejectedError("MLS-BRANCH-PARAMETERS", "a branch has another version or suite than its origin")

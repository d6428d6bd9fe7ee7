"""What a Commit would do, shown to the application before it is done (RFC 9420 §12.2, last paragraph)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from entrenous.mls.group.apply import Applied
from entrenous.mls.group.group import Group
from entrenous.mls.group.proposals import ProposalList, Proposed
from entrenous.mls.types import Extension, LeafNode, NewMemberCommit, ReInit, Sender


@dataclass(frozen=True, slots=True)
class CommitView:
    """A Commit that keeps all rules of RFC 9420, before its secrets are used.

    It is a function of the group's state and the Commit's bytes, the same for every member, so that a policy over it
    lets all honest members decide alike.

    Attributes:
        group: the epoch that the Commit ends.
        sender: who sent it: a member, or one who joins from outside.
        committer: the committer's leaf index, in the epoch that the Commit begins.
        leaf: the committer's LeafNode: the new one where there is a path.
        proposals: all of them, in order, each with who made it.
        added: leaf index and LeafNode of each new member, without one who joins from outside.
        updated: leaf index and new LeafNode of each member whose Update is committed.
        removed: leaf index and LeafNode of each member who leaves. One who joins from outside may so replace an
            earlier leaf of its own; that it is its own is for the policy to judge (RFC 9420 §12.2).
        extensions: the GroupContext extensions of the epoch that begins.
        reinit: the successor's parameters, where the Commit ends the group.
        authenticated_data: what travelled in clear beside the Commit.
    """

    group: Group
    sender: Sender
    committer: int
    leaf: LeafNode
    proposals: tuple[Proposed, ...]
    added: tuple[tuple[int, LeafNode], ...]
    updated: tuple[tuple[int, LeafNode], ...]
    removed: tuple[tuple[int, LeafNode], ...]
    extensions: tuple[Extension, ...]
    reinit: ReInit | None
    authenticated_data: bytes

    @property
    def is_external(self) -> bool:
        """Whether the committer joins with it from outside."""
        return isinstance(self.sender, NewMemberCommit)


def make_view(
    group: Group,
    sender: Sender,
    committer: tuple[int, LeafNode],
    proposals: ProposalList,
    proposed: Iterable[Proposed],
    applied: Applied,
    authenticated_data: bytes,
) -> CommitView:
    """What a Commit would do.

    Args:
        group: the epoch that it ends.
        sender: who sent it.
        committer: his leaf index and LeafNode in the epoch that it begins.
        proposals: its proposals, judged.
        proposed: the same in their order.
        applied: what came of them.
        authenticated_data: what travelled in clear beside it.
    """
    return CommitView(
        group=group,
        sender=sender,
        committer=committer[0],
        leaf=committer[1],
        proposals=tuple(proposed),
        added=tuple((index, applied.tree.member(index)) for index in applied.added),
        updated=tuple(proposals.updates.items()),
        removed=tuple((index, group.tree.member(index)) for index in proposals.removes),
        extensions=applied.extensions,
        reinit=proposals.reinit,
        authenticated_data=authenticated_data,
    )


#: Judges a Commit: returns to accept it, raises RejectedError to refuse it.
Policy = Callable[[CommitView], None]


def accept_all(view: CommitView) -> None:
    """The Policy that adds no rule to those of RFC 9420."""

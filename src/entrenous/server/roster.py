"""Who may do what to a room's roster: pure rules over a Commit's delta (protocol §4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrenous.server.refusal import RefusedError
from entrenous.wire import ErrorCode, RosterAction, RosterChange


@dataclass(frozen=True, slots=True)
class Party:
    """An account that a delta names, as the server knows it before the Commit."""

    exists: bool
    is_member: bool


def judge_delta(
    delta: Sequence[RosterChange], *, sender: bytes, sender_manages: bool, parties: Mapping[bytes, Party]
) -> None:
    """Judge a roster delta.

    Args:
        delta: from the Commit's authenticated data.
        sender: the committing account, a member.
        sender_manages: whether it may manage the room.
        parties: every account that the delta names.

    Raises:
        RefusedError: the delta breaks a rule; the room stays as it is.
    """
    if len({change.account for change in delta}) != len(delta):
        raise RefusedError("DS-ROSTER-DOUBLE", ErrorCode.MALFORMED, "an account stands twice in the roster delta")
    for change in delta:
        party = parties[change.account]
        if not party.exists:
            raise RefusedError("DS-ROSTER-UNKNOWN", ErrorCode.DENIED, "the roster delta names an unknown account")
        if change.action is RosterAction.ADD:
            if party.is_member:
                raise RefusedError("DS-ROSTER-MEMBER", ErrorCode.DENIED, "who is to be added is a member already")
            continue
        if not party.is_member:
            raise RefusedError("DS-ROSTER-ABSENT", ErrorCode.DENIED, "the roster delta changes somebody not here")
        if not sender_manages:
            raise RefusedError("DS-ROSTER-MANAGER", ErrorCode.DENIED, "only managers remove others or name managers")
        # RFC 9420 §12.2: a Commit cannot remove its own sender, so neither can its delta.
        if change.action is RosterAction.REMOVE and change.account == sender:
            raise RefusedError("DS-ROSTER-SELF", ErrorCode.DENIED, "a Commit cannot remove who makes it")


def check_retention(asked: int, *, stored: int, sender_manages: bool, bounds: tuple[int, int]) -> None:
    """Judge the retention that a Commit names, in seconds.

    Raises:
        RefusedError: it is out of ``bounds``, or changes without a manager's right.
    """
    lowest, highest = bounds
    if not lowest <= asked <= highest:
        raise RefusedError("DS-RETENTION", ErrorCode.MALFORMED, f"retention is {lowest} to {highest} seconds")
    if asked != stored and not sender_manages:
        raise RefusedError("DS-RETENTION-MANAGER", ErrorCode.DENIED, "only managers change the retention")

"""Who may do what to a room's roster: pure rules over a Commit's delta (protocol §4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrenous.server.refusal import RefusedError
from entrenous.wire import ErrorCode, RosterAction, RosterChange


@dataclass(frozen=True, slots=True)
class Party:
    """An account that a delta names, as the server knows it before the Commit."""

    exists: bool
    is_member: bool


def judge_delta(
    delta: Sequence[RosterChange], *, sender: bytes, sender_manages: bool, party_of: Callable[[bytes], Party]
) -> None:
    """Judge a roster delta.

    Args:
        delta: from the Commit's authenticated data.
        sender: the committing account, a member.
        sender_manages: whether it may manage the room.
        party_of: looks an account up. It is asked of one after the other, and of none after the first that is wrong:
            so a delta of thousands of names that nobody has costs no more than one of them.

    Raises:
        RefusedError: the delta breaks a rule; the room stays as it is.
    """
    if len({change.account for change in delta}) != len(delta):
        raise RefusedError("DS-ROSTER-DOUBLE", ErrorCode.MALFORMED, "an account stands twice in the roster delta")
    for change in delta:
        party = party_of(change.account)
        if not party.exists:
            raise RefusedError("DS-ROSTER-UNKNOWN", ErrorCode.DENIED, "the roster delta names an unknown account")
        # A Commit that all members refused has changed the roster all the same, for the server cannot judge it. So who
        # is added may be here, and who is removed may be gone: the members' next true word must not fail on that.
        if change.action is RosterAction.ADD:
            continue
        if not sender_manages:
            raise RefusedError("DS-ROSTER-MANAGER", ErrorCode.DENIED, "only managers remove others or name managers")
        if not party.is_member and change.action is not RosterAction.REMOVE:
            raise RefusedError("DS-ROSTER-ABSENT", ErrorCode.DENIED, "the roster delta promotes somebody not here")
        # RFC 9420 §12.2: a Commit cannot remove its own sender, so neither can its delta.
        if change.action is RosterAction.REMOVE and change.account == sender:
            raise RefusedError("DS-ROSTER-SELF", ErrorCode.DENIED, "a Commit cannot remove who makes it")


def retention_after(asked: int, *, stored: int, sender_manages: bool, bounds: tuple[int, int]) -> int:
    """The retention that is in force after a Commit that names one, in seconds.

    Only managers change it. Others repeat what the settings say; where a refused Commit has changed it at the server,
    theirs is another one, which is no reason to keep them from committing until a manager comes.

    Raises:
        RefusedError: it is out of ``bounds``.
    """
    lowest, highest = bounds
    if not lowest <= asked <= highest:
        raise RefusedError("DS-RETENTION", ErrorCode.MALFORMED, f"retention is {lowest} to {highest} seconds")
    return asked if sender_manages else stored

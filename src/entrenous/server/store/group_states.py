"""The rows of sealed group states: what a joiner at one Commit needs."""

from sqlalchemy import bindparam, delete, func, insert, select

from entrenous.server.store.schema import group_states as states
from entrenous.server.store.statements import Statement, Transaction
from entrenous.wire.replies import GroupState

_INSERT = Statement(insert(states))
_SIZES = Statement(
    select(states.c.size, states.c.changes, func.length(states.c.group_info)).where(
        states.c.room == bindparam("room"), states.c.sequence == bindparam("sequence")
    )
)
_STATE = Statement(
    select(states.c.group_info).where(states.c.room == bindparam("room"), states.c.sequence == bindparam("sequence"))
)
_TREE = Statement(
    select(states.c.sequence, states.c.tree)
    .where(states.c.room == bindparam("room"), states.c.sequence <= bindparam("up_to"), states.c.tree.is_not(None))
    .order_by(states.c.sequence.desc())
    .limit(1)
)
_CHANGES = Statement(
    select(states.c.node_changes)
    .where(
        states.c.room == bindparam("room"),
        states.c.sequence > bindparam("after"),
        states.c.sequence <= bindparam("up_to"),
    )
    .order_by(states.c.sequence)
)
_OLDEST_NEEDED = Statement(
    select(func.min(states.c.sequence)).where(
        states.c.room == bindparam("room"), states.c.sequence >= bindparam("first")
    )
)
_PURGE = Statement(delete(states).where(states.c.room == bindparam("of_room"), states.c.sequence < bindparam("before")))


def growth(tx: Transaction, room: bytes, previous: int, group_info: int, change: int) -> tuple[int, int]:
    """How a state would grow that follows the one at ``previous`` without a whole tree of its own.

    Args:
        tx: the open transaction.
        room: the room.
        previous: the room's newest Commit entry, or 0.
        group_info: bytes of the new GroupInfo.
        change: bytes of the new node changes.

    Returns:
        Bytes of an answer with the new state, and Commits since the last whole tree.
    """
    row = tx.one(_SIZES, room=room, sequence=previous)
    size, changes, old_info = (0, 0, 0) if row is None else row
    return size - old_info + group_info + change, changes + 1


def add(
    tx: Transaction, room: bytes, sequence: int, state: tuple[bytes, bytes, bytes | None], *, size: int, changes: int
) -> None:
    """Store (GroupInfo, node changes, whole tree or None) as they are after the Commit entry ``sequence``."""
    group_info, node_changes, tree = state
    tx.put(
        _INSERT,
        room=room,
        sequence=sequence,
        size=size,
        changes=changes,
        group_info=group_info,
        node_changes=node_changes,
        tree=tree,
    )


def fetch(tx: Transaction, room: bytes, sequence: int) -> GroupState | None:
    """The state after the Commit entry ``sequence``; None if there is none, or no longer."""
    state = tx.one(_STATE, room=room, sequence=sequence)
    tree = tx.one(_TREE, room=room, up_to=sequence)
    if state is None or tree is None:
        return None
    changes = tx.all(_CHANGES, room=room, after=tree[0], up_to=sequence)
    return GroupState(state[0], tree[1], tuple(row[0] for row in changes))


def purge(tx: Transaction, room: bytes, first: int, newest_commit: int) -> int:
    """Delete what no joiner can need once the entries before ``first`` are gone; returns how many rows went.

    The room's newest state always stays, and with each state the tree that it builds on.
    """
    row = tx.one(_OLDEST_NEEDED, room=room, first=min(first, newest_commit))
    oldest = newest_commit if row is None or row[0] is None else int(row[0])
    tree = tx.one(_TREE, room=room, up_to=oldest)
    return 0 if tree is None else tx.run(_PURGE, of_room=room, before=tree[0])

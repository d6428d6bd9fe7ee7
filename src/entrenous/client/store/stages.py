"""The rows of staged Commits: made, stored before they are sent, and in force only when the log shows them."""

from dataclasses import dataclass, field

from entrenous.client.store.store import Rows, Transaction


@dataclass(frozen=True, slots=True)
class StageRow:
    """One staged Commit.

    Attributes:
        epoch: that it ends.
        intent: the encoded Intent it was made for, to be judged again if another Commit comes first.
        request: the encoded call that sends it.
        staged: the encoded StagedEpoch that it begins, secrets included.
    """

    message_id: bytes
    epoch: int
    intent: bytes
    request: bytes = field(repr=False)
    staged: bytes = field(repr=False)


def of_room(rows: Rows, room: bytes) -> StageRow | None:
    """The room's staged Commit, if there is one."""
    sql = "SELECT message_id, epoch, intent, request, staged FROM stages WHERE room = ?"
    row = rows.one(sql, (room,))
    return None if row is None else StageRow(*row)


def put(tx: Transaction, room: bytes, row: StageRow) -> None:
    """Store a staged Commit.

    Raises:
        UsageError: the room has one already.
    """
    tx.execute(
        "INSERT INTO stages (room, message_id, epoch, intent, request, staged) VALUES (?, ?, ?, ?, ?, ?)",
        (room, row.message_id, row.epoch, row.intent, row.request, row.staged),
    )


def delete(tx: Transaction, room: bytes) -> None:
    """Drop the room's staged Commit: it was merged, or another came first."""
    tx.execute("DELETE FROM stages WHERE room = ?", (room,))

"""The rows of intents that are being carried out, and of the Commits staged for them (docs/spec/delivery.md)."""

from dataclasses import dataclass, field

from entrenous.client.store.store import Rows, Transaction

#: In place of the intent of a Commit that was given up.
_NOTHING = b""


@dataclass(frozen=True, slots=True)
class StageRow:
    """A Commit that was made and stored, and is in force only when the log shows it.

    Attributes:
        message_id: the id under which the log will show it.
        request: the encoded call that sends it.
        staged: the epoch that it begins, encoded, secrets included.
        tree_changes: what it changes in the tree, encoded; None where ``staged`` holds the whole tree.
    """

    message_id: bytes
    request: bytes = field(repr=False)
    staged: bytes = field(repr=False)
    tree_changes: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class IntentRow:
    """What a room is being made to do; ``stage`` is None when its Commit is still, or again, to be made."""

    intent: bytes
    stage: StageRow | None

    @property
    def is_wanted(self) -> bool:
        """Whether it is still to be carried out; a Commit that was given up is kept for what the log may show."""
        return self.intent != _NOTHING


def of_room(rows: Rows, room: bytes) -> IntentRow | None:
    """The intent that is being carried out in a room, if there is one."""
    row = rows.one("SELECT intent, message_id, request, staged, tree_changes FROM stages WHERE room = ?", (room,))
    if row is None:
        return None
    intent, message_id, *rest = row
    return IntentRow(intent, None if message_id is None else StageRow(message_id, *rest))


def put(tx: Transaction, room: bytes, intent: bytes, stage: StageRow) -> None:
    """Store a staged Commit with its intent."""
    tx.execute(
        "INSERT OR REPLACE INTO stages (room, intent, message_id, request, staged, tree_changes)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (room, intent, stage.message_id, stage.request, stage.staged, stage.tree_changes),
    )


def drop(tx: Transaction, room: bytes) -> None:
    """Another Commit came first: delete the staged one with its secrets, keep the intent unless it was given up."""
    tx.execute("DELETE FROM stages WHERE room = ? AND intent = ?", (room, _NOTHING))
    tx.execute(
        "UPDATE stages SET message_id = NULL, request = NULL, staged = NULL, tree_changes = NULL WHERE room = ?",
        (room,),
    )


def give_up(tx: Transaction, room: bytes) -> None:
    """The intent is not to be carried out. A Commit that was made for it stays until another one comes first.

    That the server has not stored it is its word alone. Others may be shown it, and who has forgotten its secrets could
    never follow them.
    """
    tx.execute("DELETE FROM stages WHERE room = ? AND message_id IS NULL", (room,))
    tx.execute("UPDATE stages SET intent = ? WHERE room = ?", (_NOTHING, room))


def finish(tx: Transaction, room: bytes) -> None:
    """The intent is carried out, or the room is left."""
    tx.execute("DELETE FROM stages WHERE room = ?", (room,))

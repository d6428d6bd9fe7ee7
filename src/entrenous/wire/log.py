"""What is signed or hashed about a room's log: entries' hashes, and the ``authenticated_data`` of its messages.

The MLS ``authenticated_data`` is in clear to the server and authenticated to the members: a Commit tells the server
what it does to the roster, and members refuse a Commit that does anything else (docs/spec/delivery.md).
"""

from typing import Annotated, Self

from entrenous.codec import Bytes16, Bytes32, Fixed, Opaque, Struct, UInt8Enum, UInt32, UInt64, VarVector, struct
from entrenous.crypto import Hash
from entrenous.wire.limits import MAX_ROSTER_CHANGES, MESSAGE_ID_SIZE

_LABEL = b"entrenous v1 room log\x00"

Bytes12 = Annotated[bytes, Fixed(MESSAGE_ID_SIZE)]


@struct
class LogPosition(Struct):
    """(i, L_i): the place of an entry and the hash over the log up to it."""

    sequence: UInt64
    hash: Bytes32

    @classmethod
    def start(cls, room: bytes) -> Self:
        """(0, L_0), L_0 = SHA-256(label ‖ room)."""
        return cls(0, Hash.SHA256.digest(_LABEL, room))

    def then(self, entry: bytes) -> "LogPosition":
        """(i, L_i), L_i = SHA-256(L_{i-1} ‖ u64 i ‖ SHA-256(entry))."""
        sequence = self.sequence + 1
        entry_hash = Hash.SHA256.digest(entry)
        return LogPosition(sequence, Hash.SHA256.digest(self.hash, sequence.to_bytes(8, "big"), entry_hash))


class RosterAction(UInt8Enum):
    """What a Commit does to one account's place in the roster."""

    ADD = 1
    REMOVE = 2
    MAY_MANAGE = 3
    MAY_NOT_MANAGE = 4


@struct
class RosterChange(Struct):
    """One account's change. An account appears at most once in a delta."""

    account: Bytes16
    action: RosterAction


@struct
class CommitData(Struct):
    """The ``authenticated_data`` of a Commit."""

    message_id: Bytes12
    retention_seconds: UInt32
    roster: Annotated[tuple[RosterChange, ...], VarVector(MAX_ROSTER_CHANGES)]
    newest: LogPosition
    #: A link key's signature, for who joins by a link; empty otherwise.
    link_proof: Opaque


@struct
class MessageData(Struct):
    """The ``authenticated_data`` of an application message: the sender's newest processed entry."""

    newest: LogPosition

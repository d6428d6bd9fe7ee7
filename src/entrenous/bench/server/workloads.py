"""What is measured: plain workloads, the same that other servers were given (docs/benchmarks/server.md)."""

from dataclasses import dataclass
from enum import StrEnum

#: Bytes of ciphertext in a message.
MESSAGE_SIZE = 200


class Kind(StrEnum):
    """What the clients do."""

    #: Talk in rooms whose members are all there.
    ROOMS = "rooms"
    #: Log in, and say nothing.
    IDLE = "idle"
    #: Talk to somebody who is away, and who fetches it all later.
    BACKLOG = "backlog"
    #: Shake hands; log in with a password.
    LOGINS = "logins"


@dataclass(frozen=True, slots=True)
class Workload:
    """One of them.

    Attributes:
        name: as it is chosen.
        kind: what the clients do.
        clients: how many there are in all; of a backlog, those who are away, each with one who writes to him.
        rooms: into how many rooms they are divided evenly.
        senders: how many of each room's members talk.
        window: messages that each of those has in flight.
        paced: rates to hold for a while, in deliveries a second.
        messages: of a backlog, how many there are in all.
    """

    name: str
    kind: Kind
    clients: int
    rooms: int = 1
    senders: int = 8
    window: int = 8
    paced: tuple[int, ...] = ()
    messages: int = 0

    @property
    def members(self) -> int:
        """Clients in one room."""
        return self.clients // self.rooms

    @property
    def people(self) -> tuple[int, int]:
        """How many rooms the store needs, and members in each."""
        match self.kind:
            case Kind.ROOMS:
                return self.rooms, self.members
            case Kind.BACKLOG:
                return self.clients, 2
            case _:
                return 1, self.clients


#: What everybody's common load is, and one that is a fair part of what a core can do.
COMMON, BUSY = 10_000, 50_000

WORKLOADS = (
    Workload("room-50", Kind.ROOMS, 50, paced=(COMMON,)),
    Workload("room-500", Kind.ROOMS, 500, paced=(COMMON, BUSY)),
    Workload("room-2000", Kind.ROOMS, 2_000, paced=(COMMON,)),
    Workload("rooms-100x5", Kind.ROOMS, 500, rooms=100, senders=1, window=2, paced=(COMMON,)),
    Workload("idle-2000", Kind.IDLE, 2_000),
    Workload("idle-5000", Kind.IDLE, 5_000),
    Workload("backlog", Kind.BACKLOG, 10, window=64, messages=100_000),
    Workload("logins", Kind.LOGINS, 500),
)

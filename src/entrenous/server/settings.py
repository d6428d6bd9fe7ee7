"""What an operator can set: one typed model, with units. The protocol's own sizes are in ``wire.limits``."""

from dataclasses import dataclass, field
from pathlib import Path

from entrenous.channel import SUITES
from entrenous.crypto import FLOOR, Argon2Parameters
from entrenous.errors import UsageError
from entrenous.identity import DEFAULT_PORT
from entrenous.wire.limits import MAX_FRAME, MAX_FRAME_BEFORE_LOGIN

DAY = 86_400
#: Seconds after which a device that was not seen no longer holds entries back (§4).
SILENT_AFTER = 30 * DAY
#: Seconds that a message id is remembered after its entry is gone (§4).
DEDUPE_BEYOND = 30 * DAY


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` at once, refilled evenly over ``seconds``."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything one peer, or all of them together, can make the server hold or do.

    How often each was reached is counted under its name: ``counters.Count``.

    Raises:
        UsageError: a value is out of its bounds.
    """

    #: Connections open at once, and of them from one address (an IPv6 /64 counts as one).
    connections: int = 10_000
    connections_per_address: int = 1_024
    #: Connections that have not finished the handshake, and of them from one address.
    handshakes: int = 2_048
    handshakes_per_address: int = 512
    #: Seconds for the handshake, for logging in after it, and without a word from the client.
    handshake_seconds: float = 10.0
    login_seconds: float = 120.0
    idle_seconds: float = 300.0
    #: Seconds that a client may leave unread what it was sent.
    stall_seconds: float = 60.0
    #: Handshakes answered together, and seconds until the next ones are: a thread that never rests keeps the storage
    #: thread from running.
    handshakes_per_turn: Rate = Rate(1, 0.001)
    #: Requests of one connection begun together, and seconds until more of them are: then others have their turn.
    requests_per_turn: Rate = Rate(8, 0.004)
    #: Requests of one connection that are worked on or wait for their turn to be answered.
    requests_in_flight: int = 16
    #: Bytes queued on a connection: beyond the first it is told to fetch, beyond the second nothing more is read.
    push_backlog: int = 1 << 20
    reply_backlog: int = 4 << 20

    #: Bytes of one message to the server before anybody has logged in, and after.
    message_bytes_before_login: int = MAX_FRAME_BEFORE_LOGIN
    message_bytes: int = MAX_FRAME

    #: Attempts at a password, per account name and per address.
    logins_per_name: Rate = Rate(10, 600.0)
    logins_per_address: Rate = Rate(60, 600.0)
    registrations_per_address: Rate = Rate(1_000, 3_600.0)
    device_logins_per_address: Rate = Rate(6_000, 60.0)
    #: KeyPackages claimed by one account: of everybody, and of one other account.
    claims: Rate = Rate(500, 3_600.0)
    claims_per_target: Rate = Rate(60, 3_600.0)
    #: Commits of one device.
    commits: Rate = Rate(120, 60.0)
    #: Entries published by one device.
    publishes: Rate = Rate(60_000, 60.0)
    #: Accounts looked up by one account.
    lookups: Rate = Rate(1_000, 3_600.0)

    #: One-time KeyPackages of a device (the protocol's pool is 100, refilled at 25).
    key_packages: int = 200
    #: Rooms an account may be in, accounts in a room, Welcomes in one inbox, invites of one account.
    rooms_per_account: int = 2_000
    members_per_room: int = 5_000
    inbox_items: int = 5_000
    invites_per_account: int = 50
    #: Commits since the last whole tree that a joiner may have to apply; the protocol sends a tree every 32.
    commits_without_tree: int = 64

    def __post_init__(self) -> None:
        for name, largest in (("message_bytes_before_login", MAX_FRAME_BEFORE_LOGIN), ("message_bytes", MAX_FRAME)):
            if not 0 < getattr(self, name) <= largest:
                raise UsageError(f"{name} is 1 to {largest}, which is the protocol's, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Settings:
    """A server's settings.

    Raises:
        UsageError: a value is out of its bounds.
    """

    #: Where the database and the keys are; None keeps both in memory, and nothing survives the end.
    data_dir: Path | None
    #: The interface to listen on; None is every one, IPv4 and IPv6.
    host: str | None = None
    port: int = DEFAULT_PORT
    #: HOST:PORT as people can reach it, for invite links; None is what the machine calls itself.
    public_address: str | None = None
    #: Channel suites that are accepted, by number.
    suites: tuple[int, ...] = tuple(SUITES)
    #: The least that a new password record may cost to guess, and what is told about names that do not exist.
    ksf: Argon2Parameters = FLOOR
    #: Whether every account may make invites, or the operator alone.
    members_may_invite: bool = True
    #: Seconds between two looks for entries to delete.
    sweep_seconds: float = 600.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.suites or not set(self.suites) <= set(SUITES):
            raise UsageError(f"suites are some of {sorted(SUITES)}, not {self.suites}")
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"{self.port} is not a port")

    @property
    def database_path(self) -> Path | None:
        """The SQLite file; None in memory."""
        return None if self.data_dir is None else self.data_dir / "server.db"

    @property
    def lock_path(self) -> Path | None:
        """What the process that serves this directory holds; None in memory."""
        return None if self.data_dir is None else self.data_dir / "server.lock"

    @property
    def keys_path(self) -> Path | None:
        """The key file, outside the database and its backups; None in memory."""
        return None if self.data_dir is None else self.data_dir / "keys" / "server.keys"

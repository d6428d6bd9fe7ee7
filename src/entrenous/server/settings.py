"""What an operator can set: one typed model, with units."""

from dataclasses import dataclass, field
from pathlib import Path

from entrenous.channel import SUITES
from entrenous.crypto import FLOOR, Argon2Parameters
from entrenous.errors import UsageError
from entrenous.identity import DEFAULT_PORT
from entrenous.server.limits import Limits

DAY = 86_400
#: Seconds after which a device that was not seen no longer holds entries back (§4).
SILENT_AFTER = 30 * DAY
#: Seconds that a message id is remembered after its entry is gone (§4).
DEDUPE_BEYOND = 30 * DAY


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

"""What an operator can set: one typed model, with units. ``settings_sources`` fills it, ``limits`` has the limits."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from entrenous.channel import SUITES
from entrenous.crypto import FLOOR, Argon2Parameters
from entrenous.errors import UsageError
from entrenous.identity import DEFAULT_PORT
from entrenous.server.configuration.limits import Limits
from entrenous.server.configuration.setting_kinds import (
    ADDRESS,
    FLAG,
    HOST,
    NETWORKS,
    PATH,
    PORT,
    SUITES_OFFERED,
    URL,
    Kind,
    Network,
    choice,
    seconds,
)

DAY = 86_400
#: Seconds after which a device that was not seen no longer holds entries back (§4).
SILENT_AFTER = 30 * DAY
#: Seconds that a message id is remembered after its entry is gone (§4).
DEDUPE_BEYOND = 30 * DAY
#: What can be logged, from most to least, and how.
LOG_LEVELS, LOG_FORMATS = ("debug", "info", "warning", "error"), ("console", "json")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of one setting.

    Attributes:
        meaning: what it sets, for people.
        kind: how it is written, and its bounds.
        reloads: whether a running server takes it over; the others need a restart.
        is_secret: whether it may hold a password: then it is never shown whole, and NAME_file can name a file with it.
    """

    meaning: str
    kind: Kind
    reloads: bool = False
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A server's settings.

    Raises:
        UsageError: a value is out of its bounds.
    """

    #: None keeps both in memory, and nothing survives the end.
    data_dir: Annotated[Path | None, About("the directory of the database and the keys", PATH)]
    host: Annotated[str | None, About("the interface to listen on; empty is every one, IPv4 and IPv6", HOST)] = None
    port: Annotated[int, About("the port to listen on; 0 takes a free one", PORT)] = DEFAULT_PORT
    #: None is what the machine calls itself.
    public_address: Annotated[
        str | None, About("the address that invite links carry, as people can reach it", ADDRESS, reloads=True)
    ] = None
    #: By number.
    suites: Annotated[tuple[int, ...], About("channel suites that are accepted", SUITES_OFFERED)] = tuple(SUITES)
    #: The least that a new password record may cost to guess, and what is told about names that do not exist. For tests
    #: alone: clients stretch as much as they are made to, and another value would tell old names from those.
    ksf: Argon2Parameters = FLOOR
    members_may_invite: Annotated[
        bool, About("whether every account may make invites, or the operator alone", FLAG, reloads=True)
    ] = True
    sweep_seconds: Annotated[
        float, About("seconds between two looks for entries to delete", seconds(1, DAY), reloads=True)
    ] = 600.0
    store: Annotated[
        str | None,
        About("URL of the database; empty is SQLite in the data directory", URL, is_secret=True),
    ] = field(default=None, repr=False)
    bus: Annotated[
        str | None, About("URL of what nodes tell each other news by; empty is one node", URL, is_secret=True)
    ] = field(default=None, repr=False)
    poll_seconds: Annotated[
        float, About("seconds between two looks for what other nodes have stored", seconds(0.1, 300))
    ] = 5.0
    proxy_from: Annotated[
        tuple[Network, ...],
        About("load balancers: from here every connection begins with a PROXY protocol v2 header", NETWORKS),
    ] = ()
    metrics_host: Annotated[str, About("the interface of /metrics and /healthz", HOST)] = "127.0.0.1"
    metrics_port: Annotated[int, About("the port of /metrics and /healthz; 0 is off", PORT)] = 0
    log_level: Annotated[str, About("what is logged", choice(*LOG_LEVELS), reloads=True)] = "info"
    log_format: Annotated[str, About("lines for people, or JSON", choice(*LOG_FORMATS))] = "console"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for name, about in about_settings().items():
            value = getattr(self, name)
            if value is not None and not about.kind.allows(value):
                raise UsageError(f"{name} is {about.kind.says}, not {value!r}")

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


def about_settings() -> dict[str, About]:
    """Every setting but the limits, by its name."""
    return _ABOUT


def defaults() -> dict[str, Any]:
    """What each setting is if nobody says anything; the data directory's place is the caller's affair."""
    return {each.name: None if each.name == "data_dir" else each.default for each in fields(Settings)} | {
        "limits": Limits()
    }


_ABOUT: dict[str, About] = {
    name: about
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    for about in getattr(hint, "__metadata__", ())
}

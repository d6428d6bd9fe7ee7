"""The limits: everything that one peer, or all of them together, can make the server hold or do.

Each field says what it means and is shown so by ``entrenous server limits``; how often each was reached is counted
under its name (``counters.Count``). The protocol's own sizes are in ``wire.limits``.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

from entrenous.errors import UsageError
from entrenous.wire.limits import MAX_FRAME, MAX_FRAME_BEFORE_LOGIN, MAX_RETENTION_SECONDS

T = TypeVar("T")
#: A limit, or what says what it is now.
Live: TypeAlias = T | Callable[[], T]

HOUR = 3_600.0
#: The largest count, and the most seconds, that anything is reckoned with: 300 million years.
_MOST = 1e16
#: What the protocol itself allows no more of.
_OF_THE_PROTOCOL = {"message_bytes_before_login": MAX_FRAME_BEFORE_LOGIN, "message_bytes": MAX_FRAME}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` at once, refilled evenly over ``seconds``.

    Raises:
        UsageError: one of them is not above 0, or beyond all reason.
    """

    count: int
    seconds: float

    def __post_init__(self) -> None:
        # A thousandth of a thousandth at the least: what is divided by it stays a number.
        if not (0 < self.count <= _MOST and 1e-6 <= self.seconds <= _MOST):
            raise UsageError("a rate is a count above 0 in seconds above 0, such as 10/600")

    def __str__(self) -> str:
        return f"{self.count}/{self.seconds:.10g}"


@dataclass(frozen=True, slots=True)
class Limits:
    """See the module.

    Raises:
        UsageError: a value is out of its bounds.
    """

    connections: Annotated[int, "connections open at once"] = 10_000
    connections_per_address: Annotated[int, "of them from one address (an IPv6 /64 is one)"] = 1_024
    handshakes: Annotated[int, "connections that have not finished the handshake"] = 2_048
    handshakes_per_address: Annotated[int, "of them from one address"] = 512
    addresses_per_network: Annotated[int, "a network (IPv4 /24, IPv6 /48) may do what so many of its addresses may"] = 8

    handshake_seconds: Annotated[float, "seconds for the handshake"] = 10.0
    login_seconds: Annotated[float, "seconds from there to a login"] = 120.0
    idle_seconds: Annotated[float, "seconds without a byte from a logged-in client"] = 300.0
    message_seconds: Annotated[float, "seconds from a message's first byte to its last"] = 300.0
    stall_seconds: Annotated[float, "seconds that a client may leave unread what it was sent"] = 60.0

    # Those who are in are served in the rests between two turns; where they want nothing, newcomers do not rest.
    handshakes_per_turn: Annotated[Rate, "handshakes and requests before a login that are answered together"] = Rate(
        1, 0.003
    )
    accepts_per_turn: Annotated[Rate, "connections that are accepted together"] = Rate(4, 0.002)
    requests_per_turn: Annotated[Rate, "requests of one connection that are begun together"] = Rate(8, 0.004)
    records_per_turn: Annotated[int, "records of one connection that are opened together"] = 64
    requests_in_flight: Annotated[int, "requests of one connection that are not answered yet"] = 16
    # The disk takes megabytes only one after the other, and everybody's next message behind them.
    large_uploads: Annotated[Rate, "bytes of one account's large requests; the next ones wait"] = Rate(2 << 20, 1.0)
    # A large answer costs each of the threads milliseconds, also where nobody takes it.
    large_answers: Annotated[Rate, "bytes of one account's large answers; the next ones wait"] = Rate(16 << 20, 1.0)

    push_backlog: Annotated[int, "bytes a connection leaves untaken before it is told to fetch"] = 1 << 20
    reply_backlog: Annotated[int, "bytes a connection leaves untaken before its requests wait"] = 4 << 20
    held_bytes: Annotated[int, "bytes held for all connections, unread or untaken, before the greediest ends"] = (
        512 << 20
    )
    message_bytes_before_login: Annotated[int, "bytes of one message before a login"] = MAX_FRAME_BEFORE_LOGIN
    message_bytes: Annotated[int, "bytes of one message after a login"] = MAX_FRAME

    logins_per_name: Annotated[Rate, "password attempts for one name, whether it exists or not"] = Rate(10, 600.0)
    logins_per_address: Annotated[Rate, "password attempts from one address"] = Rate(60, 600.0)
    registrations_per_address: Annotated[Rate, "registrations from one address"] = Rate(1_000, HOUR)
    device_logins_per_address: Annotated[Rate, "device logins from one address"] = Rate(6_000, 60.0)

    claims: Annotated[Rate, "KeyPackages calls by one account"] = Rate(500, HOUR)
    claims_per_target: Annotated[Rate, "of them for one other account"] = Rate(60, HOUR)
    adds_per_target: Annotated[Rate, "times that one account may add another to a room or send it a Welcome"] = Rate(
        120, HOUR
    )
    lookups: Annotated[Rate, "accounts looked up by name by one account"] = Rate(1_000, HOUR)
    commits: Annotated[Rate, "Commits of one device; one counts again for every 64 changes in it"] = Rate(120, 60.0)
    publishes: Annotated[Rate, "messages of one device"] = Rate(60_000, 60.0)
    uploads: Annotated[Rate, "bytes that one account gives the server to keep"] = Rate(4 << 30, MAX_RETENTION_SECONDS)

    key_packages: Annotated[int, "one-time KeyPackages of a device"] = 200
    rooms_per_account: Annotated[int, "rooms of one account"] = 2_000
    members_per_room: Annotated[int, "accounts in one room"] = 5_000
    inbox_items: Annotated[int, "items in one inbox"] = 5_000
    invites_per_account: Annotated[int, "invites of one account that have not expired"] = 50
    commits_without_tree: Annotated[int, "Commits since the last whole tree"] = 64

    def rate(self, name: str) -> Rate:
        """The rate of this name, as it is now."""
        found: Rate = getattr(self, name)
        return found

    def __post_init__(self) -> None:
        for each in fields(self):
            check_limit(each.name, getattr(self, each.name))
        if self.uploads.count < self.message_bytes:
            raise UsageError(f"uploads is at least message_bytes, {self.message_bytes}, or nobody could send one")


def check_limit(name: str, value: Any) -> None:  # noqa: ANN401 the type is the field's
    """Judge one limit by itself; how they go together is judged where they are put together.

    Raises:
        UsageError: the value is out of bounds.
    """
    most = _OF_THE_PROTOCOL.get(name)
    if most is not None and not 0 < value <= most:
        raise UsageError(f"{name} is 1 to {most}, which is the protocol's, not {value}")
    if not isinstance(value, Rate) and not 0 < value <= _MOST:
        raise UsageError(f"{name} is above 0 and no more than {_MOST:g}, not {value}")


def live(value: Live[T]) -> Callable[[], T]:
    """What to ask for a limit each time it is judged, so that it may change while a server runs."""
    if callable(value):
        return value
    return lambda: value


def meanings() -> dict[str, str]:
    """What each limit means, by its name."""
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(Limits, include_extras=True).items()}


def parse_limit(name: str, text: str) -> Any:  # noqa: ANN401 the type is the field's
    """A limit's value from text: "500", "2.5", and for a rate "10/600", which is 10 in 600 seconds.

    Raises:
        UsageError: there is no such limit, or the text is no value of its kind or out of bounds.
    """
    default = getattr(Limits(), name, None) if name in meanings() else None
    if default is None:
        raise UsageError(f"there is no limit called {name!r}")
    try:
        if isinstance(default, Rate):
            count, _, seconds = text.partition("/")
            return Rate(int(count), float(seconds))
        return type(default)(text)
    except ValueError:
        kind = "COUNT/SECONDS" if isinstance(default, Rate) else "a number"
        raise UsageError(f"{name} is {kind}, such as {default}, not {text!r}") from None

"""How often each limit was reached: plain integers by name, for whatever shows them to an operator."""

from collections.abc import Callable
from enum import StrEnum


class Count(StrEnum):
    """What is counted. Each is the name of the field of ``limits.Limits`` that was reached, but for the last."""

    CONNECTIONS = "connections"
    CONNECTIONS_PER_ADDRESS = "connections_per_address"
    HANDSHAKES = "handshakes"
    HANDSHAKES_PER_ADDRESS = "handshakes_per_address"
    ADDRESSES_PER_NETWORK = "addresses_per_network"
    HANDSHAKE_SECONDS = "handshake_seconds"
    LOGIN_SECONDS = "login_seconds"
    IDLE_SECONDS = "idle_seconds"
    MESSAGE_SECONDS = "message_seconds"
    STALL_SECONDS = "stall_seconds"
    HANDSHAKES_PER_TURN = "handshakes_per_turn"
    ACCEPTS_PER_TURN = "accepts_per_turn"
    REQUESTS_PER_TURN = "requests_per_turn"
    RECORDS_PER_TURN = "records_per_turn"
    REQUESTS_IN_FLIGHT = "requests_in_flight"
    LARGE_UPLOADS = "large_uploads"
    LARGE_ANSWERS = "large_answers"
    PUSH_BACKLOG = "push_backlog"
    REPLY_BACKLOG = "reply_backlog"
    HELD_BYTES = "held_bytes"
    MESSAGE_BYTES_BEFORE_LOGIN = "message_bytes_before_login"
    MESSAGE_BYTES = "message_bytes"
    LOGINS_PER_NAME = "logins_per_name"
    LOGINS_PER_ADDRESS = "logins_per_address"
    REGISTRATIONS_PER_ADDRESS = "registrations_per_address"
    DEVICE_LOGINS_PER_ADDRESS = "device_logins_per_address"
    CLAIMS = "claims"
    CLAIMS_PER_TARGET = "claims_per_target"
    ADDS_PER_TARGET = "adds_per_target"
    COMMITS = "commits"
    PUBLISHES = "publishes"
    UPLOADS = "uploads"
    LOOKUPS = "lookups"
    KEY_PACKAGES = "key_packages"
    ROOMS_PER_ACCOUNT = "rooms_per_account"
    MEMBERS_PER_ROOM = "members_per_room"
    INBOX_ITEMS = "inbox_items"
    INVITES_PER_ACCOUNT = "invites_per_account"
    COMMITS_WITHOUT_TREE = "commits_without_tree"
    #: Connections ended because of what the client sent, a message or a record over its size among them.
    FAILED_CONNECTIONS = "failed_connections"


#: The limits that are judged inside a transaction, by the rule under which they refuse.
_OF_RULES = {
    "DS-POOL": Count.KEY_PACKAGES,
    "DS-ROOMS": Count.ROOMS_PER_ACCOUNT,
    "DS-MEMBERS": Count.MEMBERS_PER_ROOM,
    "DS-INBOX": Count.INBOX_ITEMS,
    "AUTH-INVITES": Count.INVITES_PER_ACCOUNT,
    "DS-STATE-TREE": Count.COMMITS_WITHOUT_TREE,
}


class Counters:
    """The counts of one server since it started. They only grow."""

    def __init__(self) -> None:
        self._values = dict.fromkeys(Count, 0)
        self._told = dict(self._values)

    def add(self, count: Count) -> None:
        """Once more."""
        self._values[count] += 1

    def refused(self, rule: str) -> None:
        """A request was refused under ``rule``, which is a limit's or is not."""
        count = _OF_RULES.get(rule)
        if count is not None:
            self.add(count)

    def adder(self, count: Count) -> Callable[[], None]:
        """What counts once more at each call."""
        return lambda: self.add(count)

    def news(self) -> dict[str, int]:
        """How much each has grown since the last call, of those that have."""
        told, self._told = self._told, dict(self._values)
        return {count.value: value - told[count] for count, value in self._values.items() if value > told[count]}

    def __getitem__(self, count: Count) -> int:
        return self._values[count]

    def values(self) -> dict[str, int]:
        """All of them, by name."""
        return {count.value: value for count, value in self._values.items()}


def uncounted() -> None:
    """Counts nothing: for parts that are used without a server."""

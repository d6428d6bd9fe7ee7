"""What clients ask for and what becomes of it: plain integers, by kind of request and by nothing else.

They name nobody: no account, room, device or address has a count of its own, so that whoever reads them learns no more
than how busy the server is.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from entrenous.wire import requests


class Outcome(StrEnum):
    """What became of a request."""

    DONE = "done"
    #: It broke a rule, or a limit was reached.
    REFUSED = "refused"
    #: Something in it was no encoding, or a proof in it did not verify.
    INVALID = "invalid"
    #: The store could not do it.
    UNAVAILABLE = "unavailable"
    #: A bug of ours.
    FAILED = "failed"


_Kind = type[requests.Request]
#: By whom a login is, the requests in which it is accepted or refused.
_LOGINS: dict[str, tuple[_Kind, ...]] = {
    "password": (requests.LoginStart, requests.LoginFinish),
    "device": (requests.DeviceLogin,),
}


class Activity:
    """The counts of one server since it started. They only grow."""

    def __init__(self) -> None:
        #: Requests that were done, by kind: what happens by the thousand a second costs one addition.
        self.done: defaultdict[_Kind, int] = defaultdict(int)
        self._others: defaultdict[tuple[_Kind, Outcome], int] = defaultdict(int)
        #: Handshakes that were finished.
        self.handshakes = 0

    def note(self, kind: _Kind, outcome: Outcome) -> None:
        """A request was answered, but not done."""
        self._others[kind, outcome] += 1

    def requests(self) -> Iterable[tuple[str, str, int]]:
        """Every kind and outcome that there was, with its count."""
        for kind, count in self.done.copy().items():
            yield kind.__name__, Outcome.DONE.value, count
        for (kind, outcome), count in self._others.copy().items():
            yield kind.__name__, outcome.value, count

    def logins(self) -> Iterable[tuple[str, str, int]]:
        """How often a login by password, and one by device, was accepted and was refused."""
        others = self._others.copy()
        for by, kinds in _LOGINS.items():
            refused = sum(others.get((kind, each), 0) for kind in kinds for each in (Outcome.REFUSED, Outcome.INVALID))
            yield by, "accepted", self.done.get(kinds[-1], 0)
            yield by, "refused", refused

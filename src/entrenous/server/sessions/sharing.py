"""When a request may begin, so that what one account wants does not become what everybody waits for.

Most requests begin at once. Large ones, and those whose answers are, cost the network's thread, the storage thread and
the disk milliseconds: each account spreads its own, and they give way to what is quickly done.
"""

from entrenous.server.configuration.limits import Limits
from entrenous.server.rates import Rests
from entrenous.server.sessions.pacing import LOOK_AGAIN, Courtesy
from entrenous.server.watching.counters import Count, Counters
from entrenous.wire import replies, requests

#: Bytes from which a request is a large one.
LARGE = 64 << 10
#: Bytes that the answer to a dear request counts as at the least.
LEAST_ANSWER = 8 << 10
#: Seconds until a rest is looked at again: an operator may have changed the rate.
LONGEST_REST = 10.0
#: What has a large answer, or takes the store milliseconds: one of a connection at a time, and others have theirs.
_DEAR = frozenset(
    {
        requests.Fetch,
        requests.FetchGroupState,
        requests.FetchInbox,
        requests.ListRooms,
        requests.GetAccount,
        requests.GetVault,
        requests.CreateRoom,
        requests.Commit,
    }
)


class Call:
    """One request of a client's.

    Args:
        number: the client's own for it.
        request: what it asks for.
        size: of its message, in bytes.
    """

    __slots__ = ("due_since", "is_dear", "is_large", "is_prompt", "is_shared", "number", "reply", "request", "size")

    def __init__(self, number: int, request: requests.Request, size: int) -> None:
        self.number = number
        self.request = request
        self.size = size
        #: Whether it costs the server more than a message does.
        self.is_dear = type(request) in _DEAR
        #: Whether it gives the disk megabytes to take.
        self.is_large = size >= LARGE
        #: Whether it may have to wait for others: only then ``Sharing`` has to do with it.
        self.is_shared = self.is_dear or self.is_large
        #: Whether newcomers stand back for it.
        self.is_prompt = False
        #: What it is answered with; None until that is known.
        self.reply: replies.Reply | None = None
        #: When it could have begun, but for others; on the loop's clock.
        self.due_since: float | None = None


class Sharing:
    """Who has to wait for how long. Nothing is refused here, it is only put off.

    Args:
        limits: what one account may have without a rest.
        counters: told of each rest.
        courtesy: told of what is quickly done, and asked whether there is any.
    """

    def __init__(self, limits: Limits, counters: Counters, courtesy: Courtesy) -> None:
        self._uploads = Rests(lambda: limits.large_uploads)
        self._answers = Rests(lambda: limits.large_answers)
        self._counters = counters
        self._courtesy = courtesy

    def wait(self, call: Call, account: bytes, now: float) -> float:
        """Seconds until it is time to ask again whether ``call`` may begin; 0 is now.

        Args:
            call: what the client asks for.
            account: whom the client has proved to be; b"" is nobody, and then nothing is large or answered.
            now: the loop's clock.
        """
        if call.is_large and (seconds := self._uploads.wait(account, now)):
            self._counters.add(Count.LARGE_UPLOADS)
            return min(seconds, LONGEST_REST)
        if not call.is_dear:
            return 0.0
        if seconds := self._answers.wait(account, now):
            self._counters.add(Count.LARGE_ANSWERS)
            return min(seconds, LONGEST_REST)
        if call.due_since is None:
            call.due_since = now
        return LOOK_AGAIN if self._courtesy.stands_back(call.due_since) else 0.0

    def began(self, call: Call, account: bytes, now: float) -> None:
        """``call`` is worked on."""
        if call.is_large and account:
            self._uploads.begin(account, now, call.size)

    def answered(self, call: Call, account: bytes, now: float, size: int) -> None:
        """``call`` has an answer of ``size`` bytes."""
        if call.is_dear and account:
            self._answers.begin(account, now, max(size, LEAST_ANSWER))

"""Message ids: which run of this client said it, and the how-manieth thing it was (docs/spec/delivery.md)."""

from entrenous.content import MESSAGE_ID_SIZE
from entrenous.crypto import Entropy, draw
from entrenous.errors import UsageError

_RUN_SIZE = 8
_COUNTER_SIZE = MESSAGE_ID_SIZE - _RUN_SIZE
_LAST = (1 << 8 * _COUNTER_SIZE) - 1


class MessageIds:
    """Ids of one run of one client: 64 random bits, new at each start, then a counter. None is given twice."""

    def __init__(self, entropy: Entropy) -> None:
        self._run = draw(entropy, _RUN_SIZE)
        self._last = 0

    def next(self) -> bytes:
        """An id that no message has.

        Raises:
            UsageError: this run has said 2^32 - 1 things.
        """
        if self._last == _LAST:
            raise UsageError("this run has no message id left")
        self._last += 1
        return self._run + self._last.to_bytes(_COUNTER_SIZE, "big")

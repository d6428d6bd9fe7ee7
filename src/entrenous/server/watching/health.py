"""Whether the server does its work: the loop turns, the store answers and can write, nobody has asked it to end.

Asked from another thread: a loop that stands still could not answer for itself.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable
from dataclasses import dataclass, field

import entrenous
from entrenous.errors import EntrenousError
from entrenous.server.network.host import Host
from entrenous.server.store import Storage
from entrenous.server.store.figures import ask
from entrenous.server.watching.pulse import Pulse

#: Seconds in which the store has to answer.
PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Report:
    """The server's state.

    Attributes:
        problems: why it does not do its work, sentences for people; none where it does.
        remarks: what does not keep it from its work.
    """

    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    version: str = field(default=entrenous.__version__)

    @property
    def is_healthy(self) -> bool:
        """Whether clients should be sent here."""
        return not self.problems


class Health:
    """Asks how the server is.

    Args:
        host: its connections.
        storage: its store.
        pulse: of its loop.
        bus: says whether the bus is connected; None where there is none.
        patience: seconds in which the store has to answer.
    """

    def __init__(
        self,
        host: Host,
        storage: Storage,
        pulse: Pulse,
        bus: Callable[[], bool | None],
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._host = host
        self._storage = storage
        self._pulse = pulse
        self._bus = bus
        self._patience = patience
        self._loop = asyncio.get_running_loop()

    def report(self) -> Report:
        """How it is. Takes ``patience`` seconds at most; not for the loop's own thread."""
        if self._pulse.is_stalled:
            return Report((f"the loop has not turned for {self._pulse.age:.0f} seconds",))
        problems = [*self._of_the_store()]
        if self._host.closing:
            problems.append("the server is going down")
        remarks = ("the bus is not connected: news of other nodes come late",) if self._bus() is False else ()
        return Report(tuple(problems), remarks)

    def _of_the_store(self) -> list[str]:
        asked = asyncio.run_coroutine_threadsafe(self._ask(), self._loop)
        try:
            asked.result(self._patience)
        except concurrent.futures.TimeoutError:
            asked.cancel()
            return [f"the store has not answered within {self._patience:g} seconds"]
        except EntrenousError as error:
            return [f"the store does not answer: {error}"]
        return ["the last commit to the store failed"] if self._storage.figures.is_failing else []

    async def _ask(self) -> None:
        await self._storage.read(ask)

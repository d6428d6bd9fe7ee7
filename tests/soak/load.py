"""A load that knows what it has sent: people in one room who talk without a pause, and what each of them has said.

Whatever happens meanwhile, in the end every message stands in the log once, where its sender was told, in the order in
which he said it; and every member's device has processed exactly that log and was shown each message once.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from entrenous.client import SendText, WaitUntilSent
from entrenous.testing.members import Person
from room_logs import LogEntry, assert_all_read_the_same, assert_one_log, read_to_the_end, transcript

#: Messages that everybody has on the way at a time.
IN_FLIGHT = 4


@dataclass
class Load:
    """See the module.

    Attributes:
        said: what each of them has said, by name.
    """

    room: bytes
    people: Sequence[Person]
    said: dict[str, list[str]] = field(default_factory=dict)

    async def lasts(self, misfortune: Awaitable[None]) -> None:
        """Everybody talks until the misfortune is over, and then waits until the server has all of it."""
        over = asyncio.Event()
        talking = [asyncio.ensure_future(self._talk(person, over)) for person in self.people]
        try:
            await misfortune
            over.set()
            await asyncio.gather(*talking)
        finally:
            for each in talking:
                each.cancel()

    async def judge(self, log: Sequence[LogEntry], people: Sequence[Person] | None = None) -> None:
        """Judge that the log, what everybody has read and what everybody has said are one.

        Args:
            log: the room's log, as the server has it.
            people: who has read it; those who talked, unless somebody listened besides.
        """
        readers = people or self.people
        await read_to_the_end(self.room, log, readers)
        assert_one_log(self.room, log, readers)
        assert_all_read_the_same(self.room, readers)
        read = [text for _, text in transcript(readers[0], self.room)]
        assert len(read) == self.count
        for name, said in self.said.items():
            assert [text for text in read if text.startswith(f"{name} ")] == said

    @property
    def count(self) -> int:
        """How much was said."""
        return sum(map(len, self.said.values()))

    async def _talk(self, person: Person, over: asyncio.Event) -> None:
        said = self.said.setdefault(person.name, [])
        while not over.is_set():
            burst = []
            for _ in range(IN_FLIGHT):
                text = f"{person.name} {len(said)}"
                burst.append(await person.do(SendText(self.room, text)))
                said.append(text)
            for message in burst:
                await person.do(WaitUntilSent(message))

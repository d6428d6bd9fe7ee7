"""The demo's play: who says what to whom, while one is away and another is sent out."""

import asyncio
from dataclasses import dataclass

from entrenous.cli.demo.person import Person
from entrenous.errors import UnavailableError

ROOM = "Lighthouse keepers"

GREETING = "Hello both. The server carries this and cannot read it."
ANSWER = "Then I can say where the spare key is: under the blue flower pot."
WHILE_AWAY = ("Carol left for the ferry. She will read this when she is back.", "And this: the storm passed at noon.")
BACK = "Back on the island. I have read all of it, in order."
AFTERWARDS = ("Bob is out. The new place for the spare key is the third step.", "Understood: the third step.")


@dataclass(frozen=True, slots=True)
class Cast:
    """Alice makes the room; Bob uses the classic suite and is removed; Carol is away for a while."""

    alice: Person
    bob: Person
    carol: Person

    @property
    def all(self) -> tuple[Person, Person, Person]:
        """Everybody."""
        return self.alice, self.bob, self.carol


async def register(cast: Cast, first_link: str) -> None:
    """Alice redeems the link that the server printed; the others one each that Alice makes."""
    await cast.alice.join(first_link)
    links = [(await cast.alice.run("invite")).strip() for _ in range(2)]
    await asyncio.gather(cast.bob.join(links[0]), cast.carol.join(links[1]))


async def meet(cast: Cast) -> None:
    """Alice opens the room and adds the others; they talk."""
    await asyncio.gather(*(person.come_online() for person in cast.all))
    await cast.alice.does(f"/create {ROOM}", "room")
    for person in (cast.bob, cast.carol):
        await cast.alice.does(f"/invite {person.name}", "member")
        await person.sees("room-joined", name=ROOM)
        await person.does(f"/join {ROOM}", "room")
    await cast.alice.type(GREETING)
    for person in (cast.bob, cast.carol):
        await person.reads(GREETING)
    await cast.bob.type(ANSWER)
    for person in (cast.alice, cast.carol):
        await person.reads(ANSWER)


async def one_is_away(cast: Cast) -> None:
    """Carol's client ends; messages are sent; her client starts again and catches up."""
    await cast.carol.go_offline()
    for speaker, listener, text in ((cast.alice, cast.bob, WHILE_AWAY[0]), (cast.bob, cast.alice, WHILE_AWAY[1])):
        await speaker.type(text)
        await listener.reads(text)
    await cast.carol.come_online()
    for text in WHILE_AWAY:
        await cast.carol.reads(text)
    await cast.carol.does(f"/join {ROOM}", "room")
    await cast.carol.type(BACK)
    for person in (cast.alice, cast.bob):
        await person.reads(BACK)


async def one_is_removed(cast: Cast) -> None:
    """Alice removes Bob, whose client stays connected; what is said afterwards is not for him.

    Raises:
        UnavailableError: he could read something.
    """
    await cast.alice.type(f"/kick {cast.bob.name}")
    await cast.bob.sees("removed-from-room", name=ROOM)
    await cast.carol.sees("member-removed", name=cast.bob.name)
    for speaker, listener, text in (
        (cast.alice, cast.carol, AFTERWARDS[0]),
        (cast.carol, cast.alice, AFTERWARDS[1]),
    ):
        await speaker.type(text)
        await listener.reads(text)
    leaked = [text for _, text in cast.bob.transcript() if text in AFTERWARDS]
    if leaked:
        raise UnavailableError(f"{cast.bob.name} was removed and could still read: {leaked}")


def plaintexts(cast: Cast) -> dict[str, str]:
    """Everything that nobody but the three may ever find, by a name that a report can say."""
    messages = (GREETING, ANSWER, *WHILE_AWAY, BACK, *AFTERWARDS)
    named = {f"message {number}": text for number, text in enumerate(messages, 1)}
    named |= {f"{person.name}'s password": person.password for person in cast.all}
    return named | {"the room's name": ROOM}

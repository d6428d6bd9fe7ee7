"""The conversation, in scenes. Each begins with everybody starting and ends with everybody stopping.

Bob and Carol live through all of it. Alice's client is the one that may die, or the server is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from crashes.players import Player
from crashes.wishes import (
    be_heard,
    be_out_of,
    be_rid_of,
    be_there,
    have_account,
    have_device,
    have_devices_of,
    have_fresh_keys,
    have_member,
    have_read,
    have_room,
    in_room,
    invite_link,
    place_in,
    reach,
    say,
    server_id,
)

GARDEN, ATTIC = "Garden", "Attic"


@dataclass(frozen=True, slots=True)
class Line:
    """Something said: where, what, and to whose profiles it comes."""

    room: str
    text: str
    readers: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part.

    Attributes:
        offline: takes Alice's connection away, or gives it back.
    """

    server: Player
    people: Mapping[str, Player]
    offline: Callable[[bool], None]

    @property
    def alice(self) -> Player:
        """On whichever device she has in this scene."""
        return self.people["tablet"] if "tablet" in self.people else self.people["alice"]

    @property
    def bob(self) -> Player:
        return self.people["bob"]

    @property
    def carol(self) -> Player:
        return self.people["carol"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene.

    Attributes:
        profiles: of those who take part.
        lines: all that is said in it, in the order of each room.
        members: accounts in rooms at its end, counted by room.
        mortals: who may be the one that dies.
        wholly: who also dies as it starts, at the last words and as it stops, which is the same in every scene.
    """

    name: str
    profiles: tuple[str, ...]
    play: Callable[[Cast], Awaitable[None]]
    lines: tuple[Line, ...]
    members: int
    mortals: tuple[str, ...] = ("client", "server")
    wholly: tuple[str, ...] = ()


async def _a_server_begins(cast: Cast) -> None:
    """The server's first start, two registrations, a room."""
    await cast.bob.wants(have_account, await cast.server.wants(invite_link))
    await cast.carol.wants(have_account, await cast.server.wants(invite_link))
    garden = await cast.bob.wants(have_room, GARDEN)
    await cast.bob.wants(be_heard, garden, "bob: nobody is here")


async def _alice_registers(cast: Cast) -> None:
    """An account, KeyPackages, a vault."""
    await cast.alice.wants(have_account, await cast.server.wants(invite_link))


async def _alice_joins(cast: Cast) -> None:
    """By a Welcome; she receives, and sends."""
    garden = await cast.bob.wants(in_room, GARDEN)
    await cast.bob.wants(have_member, garden, "alice")
    await cast.alice.wants(in_room, GARDEN)
    await cast.bob.wants(be_heard, garden, "bob: hello alice")
    await cast.alice.wants(have_read, garden, "bob: hello alice")
    await cast.alice.wants(say, garden, "alice: hello bob")
    await cast.alice.wants(be_heard, garden, "alice: how are you")
    await cast.bob.wants(have_read, garden, "alice: how are you")


async def _alice_commits(cast: Cast) -> None:
    """She invites somebody, renews her keys, and follows a Commit of another."""
    garden = await cast.alice.wants(in_room, GARDEN)
    await cast.alice.wants(say, garden, "alice: let me call carol")
    await cast.alice.wants(have_member, garden, "carol")
    await cast.carol.wants(in_room, GARDEN)
    await cast.carol.wants(be_heard, garden, "carol: hello both")
    await cast.alice.wants(have_read, garden, "carol: hello both")
    await cast.alice.wants(have_fresh_keys, garden)
    await cast.alice.wants(be_heard, garden, "alice: with new keys")
    await cast.bob.wants(have_read, garden, "alice: with new keys")
    await cast.bob.wants(have_fresh_keys, garden)
    await cast.bob.wants(be_heard, garden, "bob: with new keys too")
    await cast.alice.wants(have_read, garden, "bob: with new keys too")


async def _alice_makes_a_room(cast: Cast) -> None:
    """A room of her own, to which she invites somebody."""
    attic = await cast.alice.wants(have_room, ATTIC)
    await cast.alice.wants(have_member, attic, "bob")
    await cast.bob.wants(in_room, ATTIC)
    await cast.alice.wants(be_heard, attic, "alice: between us")
    await cast.bob.wants(have_read, attic, "alice: between us")
    await cast.bob.wants(be_heard, attic, "bob: a secret")
    await cast.alice.wants(have_read, attic, "bob: a secret")


async def _alice_is_away(cast: Cast) -> None:
    """She goes offline and says something; meanwhile others talk and commit; she comes back."""
    garden = await cast.alice.wants(in_room, GARDEN)
    await cast.bob.wants(be_heard, garden, "bob: are you there")
    await cast.alice.wants(have_read, garden, "bob: are you there")
    cast.offline(True)
    await cast.alice.wants(say, garden, "alice: said offline")
    await cast.bob.wants(be_heard, garden, "bob: alice is offline")
    await cast.bob.wants(have_fresh_keys, garden)
    await cast.bob.wants(be_heard, garden, "bob: and misses this")
    cast.offline(False)
    await cast.alice.wants(be_heard, garden, "alice: said offline")
    await cast.bob.wants(have_read, garden, "alice: said offline")


async def _alice_is_removed(cast: Cast) -> None:
    """And added again."""
    garden = await cast.alice.wants(in_room, GARDEN)
    await cast.bob.wants(be_rid_of, garden, "alice")
    await cast.alice.wants(be_out_of, garden)
    await cast.bob.wants(be_heard, garden, "bob: alice is out")
    await cast.bob.wants(have_member, garden, "alice")
    await cast.alice.wants(in_room, GARDEN)
    await cast.alice.wants(be_heard, garden, "alice: back again")
    await cast.bob.wants(have_read, garden, "alice: back again")


async def _alice_takes_another_device(cast: Cast) -> None:
    """She logs in on an empty profile, which takes the place of the one she had."""
    garden = await cast.bob.wants(in_room, GARDEN)
    await cast.alice.wants(have_device, await cast.server.wants(server_id))
    await cast.bob.wants(have_devices_of, garden, "alice")
    await cast.alice.wants(in_room, GARDEN)
    await cast.bob.wants(be_heard, garden, "bob: to the tablet")
    await cast.alice.wants(have_read, garden, "bob: to the tablet")
    await cast.alice.wants(be_heard, garden, "alice: from the tablet")
    await cast.bob.wants(have_read, garden, "alice: from the tablet")


SCENES = (
    Scene(
        "a server begins",
        ("bob", "carol"),
        _a_server_begins,
        (Line(GARDEN, "bob: nobody is here", "bob"),),
        1,
        mortals=("server",),
        wholly=("server",),
    ),
    Scene("alice registers", ("alice", "bob"), _alice_registers, (), 1, wholly=("client",)),
    Scene(
        "alice joins",
        ("alice", "bob"),
        _alice_joins,
        (
            Line(GARDEN, "bob: hello alice", "alice bob"),
            Line(GARDEN, "alice: hello bob", "alice bob"),
            Line(GARDEN, "alice: how are you", "alice bob"),
        ),
        2,
        wholly=("client",),
    ),
    Scene(
        "alice commits",
        ("alice", "bob", "carol"),
        _alice_commits,
        (
            Line(GARDEN, "alice: let me call carol", "alice bob"),
            Line(GARDEN, "carol: hello both", "alice bob carol"),
            Line(GARDEN, "alice: with new keys", "alice bob carol"),
            Line(GARDEN, "bob: with new keys too", "alice bob carol"),
        ),
        3,
    ),
    Scene(
        "alice makes a room",
        ("alice", "bob"),
        _alice_makes_a_room,
        (Line(ATTIC, "alice: between us", "alice bob"), Line(ATTIC, "bob: a secret", "alice bob")),
        5,
    ),
    Scene(
        "alice is away",
        ("alice", "bob"),
        _alice_is_away,
        (
            Line(GARDEN, "bob: are you there", "alice bob"),
            Line(GARDEN, "bob: alice is offline", "alice bob"),
            Line(GARDEN, "bob: and misses this", "alice bob"),
            Line(GARDEN, "alice: said offline", "alice bob"),
        ),
        5,
    ),
    Scene(
        "alice is removed",
        ("alice", "bob"),
        _alice_is_removed,
        (Line(GARDEN, "bob: alice is out", "bob"), Line(GARDEN, "alice: back again", "alice bob")),
        5,
    ),
    Scene(
        "alice takes another device",
        ("tablet", "bob"),
        _alice_takes_another_device,
        (
            Line(GARDEN, "bob: to the tablet", "tablet bob"),
            Line(GARDEN, "alice: from the tablet", "tablet bob"),
        ),
        5,
    ),
)


async def last_words(cast: Cast, scene: Scene) -> None:
    """Everybody who is in a room says so at the end of a scene, and everybody there reads all of it."""
    for room_name in {line.room: None for line in scene.lines}:
        present = members_at_the_end(scene, room_name)
        room = await cast.people[present[0]].wants(in_room, room_name)
        for profile in present:
            await cast.people[profile].wants(be_heard, room, last_word(scene, profile))
        end = await cast.people[present[0]].wants(place_in, room)
        for profile in present:
            await cast.people[profile].wants(reach, room, end)
            await cast.people[profile].wants(have_read, room, last_word(scene, present[-1]))


async def everybody_is_there(cast: Cast, scene: Scene) -> None:
    """Whoever has an account runs, and has read what is there."""
    for profile in scene.profiles:
        await cast.people[profile].wants(be_there)


def members_at_the_end(scene: Scene, room: str) -> tuple[str, ...]:
    """Who reads the last line that is said in a room in a scene."""
    return tuple([line.readers for line in scene.lines if line.room == room][-1].split())


def last_word(scene: Scene, profile: str) -> str:
    """What somebody says at the end of a scene."""
    return f"{profile}: that was '{scene.name}'"


def script(upto: int, profile: str, room: str) -> list[str]:
    """What somebody has read in a room after so many scenes."""
    read: list[str] = []
    for scene in SCENES[:upto]:
        lines = [line for line in scene.lines if line.room == room]
        read += [line.text for line in lines if profile in line.readers.split()]
        if lines and profile in (present := members_at_the_end(scene, room)):
            read += [last_word(scene, other) for other in present]
    return read

"""What somebody wants, whatever happens in between: each looks whether it has come true, and tries if it has not.

The house and the guest both know them, so that a person or a server in either is asked by the same words. They are
functions of a module, since one process tells the other their names.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from entrenous.client import (
    CreateRoom,
    History,
    InviteMember,
    KickMember,
    ListMembers,
    ListRooms,
    MessageRef,
    MessageState,
    RefreshKeys,
    SendText,
    WaitUntilSent,
)
from entrenous.client.accounts import ServerAddress, Stretching, log_in, register
from entrenous.client.store import account
from entrenous.client.store.account import AccountState
from entrenous.errors import UnavailableError
from entrenous.identity import InviteLink
from entrenous.testing import FAST_KSF, MemoryServer
from entrenous.testing.members import PASSWORD, Person

T = TypeVar("T")
#: Times that somebody tries before he gives up.
TRIES = 500
_FAST = Stretching(FAST_KSF, FAST_KSF)


async def insist(subject: Any, wish: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Have a wish fulfilled as somebody would who looks, and tries again.

    Raises:
        AssertionError: it was not fulfilled.
    """
    for _ in range(TRIES):
        try:
            return await wish(subject, *arguments)
        except UnavailableError:
            await asyncio.sleep(0.5)
    raise AssertionError(f"{wish.__name__} {arguments} was not fulfilled")


# Of the server.


async def invite_link(server: MemoryServer) -> InviteLink:
    """A link for one registration."""
    return await server.server.create_invite(uses=1, lifetime=3_600)


async def server_id(server: MemoryServer) -> bytes:
    """What its clients pin."""
    return server.server.server_id


async def close_server(server: MemoryServer) -> None:
    """That it ends."""
    await server.close()


# Of a person.


def is_active(person: Person) -> bool:
    """Whether the profile is known to be an account's."""
    row = account.get(person.store)
    return row is not None and row.state is AccountState.ACTIVE


async def have_account(person: Person, link: InviteLink) -> None:
    """That the empty profile is a new account's."""
    if not is_active(person):
        await register(
            link,
            person.connector,
            person.store,
            person.environment,
            login_name=person.name,
            password=PASSWORD,
            stretching=_FAST,
        )
    await be_there(person)


async def have_device(person: Person, server: bytes) -> None:
    """That the empty profile is the account's one device."""
    if not is_active(person):
        await log_in(
            ServerAddress("chat.example.org", 7443, server),
            person.connector,
            person.store,
            person.environment,
            login_name=person.name,
            secret=PASSWORD,
            stretching=_FAST,
        )
    await be_there(person)


async def be_there(person: Person) -> None:
    """That the client of whoever has an account runs, and has read what was there for it."""
    if not is_active(person):
        return
    if person.client is None:
        person.begin()
    await person.running.wait_until_caught_up()


async def stop(person: Person) -> None:
    """That the client ends, with everything on its disk."""
    await person.stop()


async def have_room(person: Person, name: str) -> bytes:
    """That there is a room of this name."""
    found = [room.room for room in await person.do(ListRooms()) if room.name == name]
    return found[0] if found else (await person.do(CreateRoom(name))).room


async def in_room(person: Person, name: str) -> bytes:
    """That this device is in a room of this name."""
    for room in await person.do(ListRooms()):
        opened = person.running._hall.find(room.room)
        if room.name == name and opened is not None and opened.room.is_member:
            return room.room
    raise UnavailableError("not yet")


async def be_out_of(person: Person, room: bytes) -> None:
    """That this device was removed from a room."""
    if person.running._hall.get(room).room.is_member:
        raise UnavailableError("not yet")


async def say(person: Person, room: bytes, text: str) -> None:
    """That it stands in the outbox or in the log: who finds it there does not say it again."""
    lines = await person.do(History(room, limit=500))
    assert all(line.state is not MessageState.FAILED for line in lines), "a message has failed"
    if text not in [line.text for line in lines]:
        await person.do(SendText(room, text))


async def be_heard(person: Person, room: bytes, text: str) -> None:
    """That it is said, and the server has it."""
    await say(person, room, text)
    (line,) = [line for line in await person.do(History(room, limit=500)) if line.text == text]
    await person.do(WaitUntilSent(MessageRef(room, line.message_id)))


async def have_read(person: Person, room: bytes, text: str) -> None:
    """That a text stands in the log as this person has read it."""
    if text not in [line.text for line in await person.do(History(room, limit=500)) if line.sequence is not None]:
        raise UnavailableError("not yet")


async def have_member(person: Person, room: bytes, name: str) -> None:
    """That somebody is in the room."""
    if name not in await _members(person, room):
        await person.do(InviteMember(room, name))


async def have_devices_of(person: Person, room: bytes, name: str) -> None:
    """That somebody's devices are in the room, and none that he has revoked."""
    await person.do(InviteMember(room, name))


async def be_rid_of(person: Person, room: bytes, name: str) -> None:
    """That somebody is not in the room."""
    if name in await _members(person, room):
        await person.do(KickMember(room, name))


async def have_fresh_keys(person: Person, room: bytes) -> None:
    """That own keys are new; pressed twice, they are renewed twice."""
    await person.do(RefreshKeys(room))


async def place_in(person: Person, room: bytes) -> int:
    """The newest entry that is on this device's disk."""
    return person.running._hall.get(room).follower.cursor


async def reach(person: Person, room: bytes, sequence: int) -> None:
    """That everything up to an entry is read."""
    await person.running._hall.get(room).follower.reach(sequence)


async def _members(person: Person, room: bytes) -> list[str]:
    return [member.login_name for member in await person.do(ListMembers(room))]

"""A node that looks for what others have stored, while they go on storing."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from entrenous.channel import frame_message
from entrenous.server.nodes.bus import Alone
from entrenous.server.rooms.fanout import Arrival, Fanout
from entrenous.server.rooms.following import Following
from entrenous.server.store import Storage, Transaction, accounts, create_tables, inbox, log, rosters, sqlite_engine
from entrenous.wire import encode_event
from entrenous.wire.events import InboxChanged

from .test_server_store import ALICE, BOB, BOBS, PHONE, ROOM, append, make_room, new_account

WELCOME_WAITS = frame_message(encode_event(InboxChanged()))


@dataclass(eq=False)
class Bob:
    """Bob's connection, which notes when it hears of a Welcome whether it hears of the room already."""

    fanout: Fanout
    account: bytes = BOB
    device: bytes = BOBS
    hears: list[bool] = field(default_factory=list)
    backlog: int = 0

    @property
    def outlet(self) -> "Bob":
        return self

    def push(self, framed: bytes, _most: int | None = None) -> bool:
        if framed == WELCOME_WAITS:
            self.hears.append(self.fanout.hears(ROOM, BOB))
        return True

    def abort(self) -> None:
        raise AssertionError

    def end(self, reason: str) -> None:
        raise AssertionError(reason)


def add_people(tx: Transaction) -> None:
    for account, name, device in ((ALICE, "Alice", PHONE), (BOB, "bob", BOBS)):
        accounts.add(tx, new_account(account, name))
        accounts.add_device(tx, account, device, device * 2, 100)
    make_room(tx)


def add_bob_to_the_room(tx: Transaction) -> None:
    """As a Commit at another node does."""
    append(tx, 1)
    log.mark_commit(tx, ROOM, 1, 3_600)
    rosters.add(tx, ROOM, BOB, may_manage=False, added_at=1, readable_after=0, now=100)
    inbox.add(tx, ROOM, 1, [(BOBS, b"welcome")])


@pytest.mark.parametrize("before", range(6))
async def test_who_is_added_hears_of_the_room_before_he_hears_of_the_welcome_whenever_it_is_stored(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sqlite_engine(None)
    with engine.connect() as connection:
        create_tables(connection)
    storage = Storage(engine, inline=True)
    await storage.write(add_people)
    fanout = Fanout(1 << 20)
    following, bob = Following(storage, fanout, Alone()), Bob(fanout)
    fanout.attach(bob, Arrival({}, 0))
    read, reads = storage.read, 0

    def read_meanwhile(operation: Any) -> Any:
        nonlocal reads
        if reads == before:
            storage.write(add_bob_to_the_room)
        reads += 1
        return read(operation)

    monkeypatch.setattr(storage, "read", read_meanwhile)
    for _ in range(2):
        following.look_at_everything()
        assert following._task is not None
        await following._task
    assert reads > before
    assert bob.hears
    assert all(bob.hears)
    await storage.close()

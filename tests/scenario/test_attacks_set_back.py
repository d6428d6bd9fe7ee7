"""A server that was set back to a backup, by its operator or to harm: told, and what it has lost is not called sent."""

import asyncio
from pathlib import Path

import pytest

from backups import Backup
from entrenous.client import (
    History,
    LogsDiffer,
    LogShortened,
    MembershipDenied,
    Message,
    MessageKind,
    MessageState,
    RefreshKeys,
    SendText,
    ServerChanged,
    WaitUntilSent,
)
from entrenous.client.accounts import save_vault
from entrenous.client.store import outbox
from entrenous.errors import RejectedError
from entrenous.testing.members import Person, World
from lying_server import LyingServer, RosterLie
from worlds import at_server, cut, epochs, garden, hold_back_entries, in_world, texts


async def states(person: Person, room: bytes) -> dict[str, MessageState]:
    """The texts that a person sees in a room, and what is said of each."""
    lines: tuple[Message, ...] = await person.do(History(room, limit=500))
    return {line.text: line.state for line in lines if line.kind is MessageKind.TEXT}


@in_world
async def test_a_message_that_was_acknowledged_and_is_lost_by_a_server_set_back_is_sent_again(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await bob.says(room, "before the backup")
    await alice.reads("before the backup")
    backup = await Backup.of(world, room)
    await bob.stop()
    let_go = hold_back_entries(alice, room)  # the server has said that it stored the message, and not shown it
    await alice.do(WaitUntilSent(await alice.do(SendText(room, "after the backup"))))
    (row,) = outbox.of_room(alice.store, room)
    assert row.sequence == 3
    await backup.restore(world)
    let_go()
    told = await alice.sees(LogShortened)
    assert (told.newest, told.seen, told.own_lost, told.own_again) == (2, 3, 0, 1)
    assert "lost 1 entry of Garden" in told.sentence
    assert "Sent again: 1 message of yours" in told.sentence
    await alice.reads("after the backup")
    await bob.come_back()
    await bob.reads("after the backup")
    assert await states(alice, room) == {
        "before the backup": MessageState.SENT,
        "after the backup": MessageState.SENT,
    }
    assert len(epochs(room, alice, bob)) == 1


@in_world
async def test_own_messages_that_a_server_set_back_has_lost_are_marked_and_others_stay_readable(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    room = await garden(alice, bob, carol)
    await carol.running.wait_until_caught_up()
    await carol.stop()
    backup = await Backup.of(world, room)
    await alice.says(room, "lost one")
    await bob.reads("lost one")
    await bob.says(room, "lost two")
    await alice.reads("lost two")
    await backup.restore(world)
    for person in (alice, bob):
        told = await person.sees(LogShortened)
        assert (told.seen - told.newest, told.own_lost, told.own_again) == (2, 1, 0)
        assert "Marked as not sent: 1 message of yours" in told.sentence
    lost, sent = MessageState.FAILED, MessageState.SENT
    assert await states(alice, room) == {"lost one": lost, "lost two": sent}
    assert await states(bob, room) == {"lost one": sent, "lost two": lost}
    # It is told once a run, not at every connection.
    cut(alice)
    await asyncio.sleep(60)
    assert len(alice.saw(LogShortened)) == 1
    # What is said now takes the places of what was lost: its author is told that it cannot be told apart.
    message = await alice.do(SendText(room, "in a place that was taken"))
    with pytest.raises(RejectedError) as caught:
        await alice.do(WaitUntilSent(message))
    assert caught.value.rule == "CLIENT-NOT-SENT"
    await alice.has(LogsDiffer)
    assert (await states(alice, room))["in a place that was taken"] is lost
    await carol.come_back()
    await carol.reads("in a place that was taken")
    await carol.has(LogsDiffer)


@in_world
async def test_a_server_set_back_before_a_commit_stops_nobody_silently(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.says(room, "before the backup")
    await bob.reads("before the backup")
    backup = await Backup.of(world, room)
    await alice.do(RefreshKeys(room))
    await alice.says(room, "in a later epoch")
    await bob.reads("in a later epoch")
    await backup.restore(world)
    for person in (alice, bob):
        assert "open a new room" in (await person.sees(LogShortened)).sentence
        with pytest.raises(RejectedError) as caught:
            await person.do(RefreshKeys(room))
        assert caught.value.rule == "CLIENT-SET-BACK"
        message = await person.do(SendText(room, "nobody gets this"))
        with pytest.raises(RejectedError) as caught:
            await person.do(WaitUntilSent(message))
        assert caught.value.rule == "CLIENT-SET-BACK"
        assert (await states(person, room))["nobody gets this"] is MessageState.FAILED
    # A new room is as good as ever.
    kitchen = await garden(alice, bob)
    await alice.says(kitchen, "here we are")
    await bob.reads("here we are")


@in_world
async def test_a_server_that_only_says_that_a_log_is_shorter_takes_nothing_from_anybody(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    await alice.says(room, "still there")
    await bob.reads("still there")
    liar = LyingServer(world.server.server, "liar")
    liar.mood(alice.running._services.device.device_id).rosters[room] = RosterLie.SHORT
    await alice.restart()
    assert await states(alice, room) == {"still there": MessageState.SENT}
    await alice.says(room, "and so am I")
    await bob.reads("and so am I")
    assert not alice.saw(LogShortened)


@pytest.mark.parametrize("lie", [RosterLie.GONE, RosterLie.MISSING])
def test_a_server_that_says_that_somebody_was_removed_is_told_of_and_removes_nobody(
    tmp_path: Path, lie: RosterLie
) -> None:
    @in_world
    async def scenario(world: World) -> None:
        alice, bob = await world.people("alice", "bob")
        room = await garden(alice, bob)
        await alice.says(room, "before the lie")
        await bob.reads("before the lie")
        liar = LyingServer(world.server.server, "liar")
        liar.mood(bob.running._services.device.device_id).rosters[room] = lie
        await bob.restart()
        denied = await bob.sees(MembershipDenied)
        assert denied.sentence.startswith("The server says that you are not in Garden any more")
        await alice.says(room, "bob is here")
        await bob.reads("bob is here")
        assert await texts(bob, room) == ["before the lie", "bob is here"]
        assert len(epochs(room, alice, bob)) == 1

    scenario(tmp_path)


@in_world
async def test_a_server_that_gives_back_an_old_vault_is_told_of(world: World) -> None:
    (alice,) = await world.people("alice")
    services = alice.running._services
    backup = await _vault(world)
    await save_vault(services.caller, services.store, services.environment)
    await _put_vault(world, *backup)
    cut(alice)
    assert "set back to an older state" in (await alice.sees(ServerChanged)).sentence


@in_world
async def test_a_server_that_calls_an_old_vault_a_new_one_is_told_of_when_it_is_read(world: World) -> None:
    (alice,) = await world.people("alice")
    body, version = await _vault(world)
    await _put_vault(world, body, version + 5)
    cut(alice)
    await asyncio.sleep(60)
    assert not alice.saw(ServerChanged)  # another device of hers could have written it
    await garden(alice)  # something for the vault to keep: hers is outdated, says the server, and here is the newest
    assert "set back to an older state" in (await alice.sees(ServerChanged)).sentence


async def _vault(world: World) -> tuple[bytes, int]:
    ((body, version),) = await at_server(world, "SELECT vault, vault_version FROM accounts")
    return body, version


async def _put_vault(world: World, body: bytes, version: int) -> None:
    await at_server(world, "UPDATE accounts SET vault = ?, vault_version = ?", body, version)

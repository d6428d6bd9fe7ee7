"""A client that was written from docs/spec alone, with the reference server and the reference client.

What it needs and cannot know from the pages fails here: that is a hole in the pages, or a change without them.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

import second_client
from entrenous.client import CreateRoom, InviteMember, LogsDiffer, MessagesMissing, SendText, WaitUntilSent
from entrenous.client.leaf_owners import owner_of
from entrenous.client.policy import settings_of
from entrenous.client.rooms.sealed import AccessKey, SealedKind
from entrenous.client.rooms.snapshot import rebuild
from entrenous.content import Role, role_of
from entrenous.mls.group import check_group_info
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import GroupInfo
from entrenous.testing import FAST_KSF, MemoryServer, Person, World, run_virtual
from second_client.channel import Channel
from second_client.joining import FETCH_STATE, KeyPackages
from second_client.mls import Epoch
from second_client.people import Account
from second_client.rooms import create_room
from worlds import in_world

KSF = [FAST_KSF.memory_kib, FAST_KSF.iterations, FAST_KSF.lanes]


async def open_channel(server: MemoryServer, suite: int = 1) -> Channel:
    channel = Channel(server.server.server_id, suite)
    await channel.open(server.connector().connect, server.clock.now())
    return channel


async def registered(server: MemoryServer, name: str, suite: int = 1) -> tuple[Account, Channel]:
    """A new account, logged in as a device."""
    link = await server.server.create_invite(uses=1, lifetime=3_600)
    account = Account(name, b"maple-orbit-velvet-canyon-thunder", KSF)
    channel = await open_channel(server, suite)
    await account.register(channel, link.token)
    await account.log_in(channel)
    return account, channel


async def sent(person: Person, room: bytes, text: str) -> None:
    """Say it, and wait until it stands in the log."""
    await person.do(WaitUntilSent(await person.do(SendText(room, text))))


def test_it_shares_nothing_with_the_product_but_primitives() -> None:
    imported = set()
    for path in Path(second_client.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    assert {name for name in imported if name.startswith("entrenous")} == {"entrenous.crypto"}


@pytest.mark.parametrize("suite", [1, 2], ids=["hybrid", "classic"])
def test_it_registers_and_logs_in_as_a_device_and_with_the_password(suite: int) -> None:
    async def scenario() -> None:
        async with await MemoryServer.start() as server:
            account, channel = await registered(server, "second", suite)
            channel.close()
            again = await open_channel(server, suite)
            await account.log_in(again)
            fresh = await open_channel(server, suite)
            assert await account.log_in_with_password(fresh) == account.identity.seed.reveal()

    run_virtual(scenario())


@in_world
async def test_it_makes_a_room_and_speaks_in_it(world: World) -> None:
    account, channel = await registered(world.server, "second")
    room = await create_room(account, channel, "tea")
    await room.say(channel, "to nobody yet")
    await room.say(channel, "and again")
    assert room.position[0] == 2
    # Nobody is in it who could judge, so the reference client's parts do.
    group = room.epoch.group
    _, info, tree, changes = await channel.call(FETCH_STATE, group, 0)
    key = AccessKey.of_epoch(Exporting(room.epoch), 1)
    opened = GroupInfo.decode(key.open(SealedKind.GROUP_INFO, group, info).plaintext)
    wanted = opened.group_context.tree_hash
    checked = check_group_info(opened, rebuild(key, group, ROOM_SUITE.hash, tree, changes, wanted))
    assert owner_of(checked.tree.member(0)).device_id == account.device_id
    assert role_of(settings_of(opened.group_context.extensions), account.id) is Role.ADMIN


@dataclass
class Exporting:
    """An epoch of the second client's, as the reference client asks one for secrets."""

    epoch: Epoch

    def export(self, label: str, context: bytes, length: int) -> bytes:
        secret = self.epoch.export(label, context)
        assert len(secret) == length
        return secret


@in_world
async def test_it_is_invited_by_the_reference_client_talks_with_it_and_renews_its_keys(world: World) -> None:
    alice = await world.person("alice")
    account, channel = await registered(world.server, "second")
    packages = KeyPackages(account)
    await packages.upload(channel, int(world.server.clock.now()))
    tea = (await alice.do(CreateRoom("tea"))).room
    await alice.do(InviteMember(tea, "second"))
    await sent(alice, tea, "hello from the reference client")

    room = await packages.join(channel)
    assert await room.read(channel) == ["hello from the reference client"]
    await room.say(channel, "hello from the second client")
    await alice.reads("hello from the second client")
    await room.renew_keys(channel)
    await room.say(channel, "under keys of its own making")
    await alice.reads("under keys of its own making")
    await sent(alice, tea, "and in that epoch the answer")
    assert await room.read(channel) == ["and in that epoch the answer"]
    # What it told of the log was so.
    assert not alice.saw(LogsDiffer)
    assert not alice.saw(MessagesMissing)

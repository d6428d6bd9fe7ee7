"""A man in the middle of real clients and a real server: with another identity key, as a relay, and with the line."""

from dataclasses import dataclass

import pytest

from entrenous.channel import CLASSIC, HYBRID, Suite
from entrenous.client import ConnectionChanged, MessageArrived, MessagesMissing
from entrenous.client.accounts import ServerAddress, Stretching, log_in, register
from entrenous.client.session import log_in_device, open_connection
from entrenous.client.store import account, server
from entrenous.errors import RejectedError
from entrenous.identity import ServerIdentity
from entrenous.testing import FAST_KSF, Wire, World, run_virtual
from entrenous.testing.members import PASSWORD
from entrenous.wire import replies, requests
from middle_man import IDENTITY, MiddleMan
from worlds import epochs, garden, in_world, line, says, texts

FAST = Stretching(FAST_KSF, FAST_KSF)


async def trusting(_: ServerIdentity) -> bool:
    """A person who accepts any fingerprint."""
    return True


@in_world
async def test_who_joins_by_a_link_tells_a_man_with_another_identity_key_nothing(world: World) -> None:
    man = MiddleMan(world.server)
    alice = world._profile("alice", "alice", man.connector)
    link = await world.server.server.create_invite(uses=1, lifetime=3_600)
    with pytest.raises(RejectedError) as caught:
        await register(
            link,
            man.connector,
            alice.store,
            alice.environment,
            login_name="alice",
            password=PASSWORD,
            stretching=FAST,
        )
    assert caught.value.rule == "CHAN-PIN"
    assert man.heard == []
    assert account.get(alice.store) is None


@in_world
async def test_a_device_that_meets_another_identity_key_stays_away_and_tells_it_nothing(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    room = await garden(alice, bob)
    man, honest = MiddleMan(world.server), line(bob).server
    line(bob).server = man.connector.server
    line(bob).wires[-1].cut()
    told = await bob.sees(ConnectionChanged, lambda event: event.retry_in is None and not event.is_connected)
    assert "not the server that this profile trusts" in told.reason
    assert man.heard == man.answered == []
    line(bob).server = honest
    await alice.says(room, "while you were away")
    await bob.restart()
    await bob.has(MessageArrived, says("while you were away"))


@pytest.mark.parametrize("suite", [HYBRID, CLASSIC], ids=lambda suite: suite.label)
def test_a_password_given_to_a_man_whose_fingerprint_was_accepted_lets_nobody_in(suite: Suite) -> None:
    async def scenario() -> None:
        async with await World.open(seed=f"relay {suite.label}") as world:
            alice = await world.person("alice")
            man = MiddleMan(world.server, suite)
            victim = world._profile("alice", "victim", man.connector)
            with pytest.raises(RejectedError) as caught:
                await log_in(
                    ServerAddress("chat.example.org", 7443, None),
                    man.connector,
                    victim.store,
                    victim.environment,
                    login_name="alice",
                    secret=PASSWORD,
                    accept_server=trusting,
                    suite=suite,
                    stretching=FAST,
                )
            # He brought the server's answer, whose proof was not for this channel; so the client proved nothing.
            assert caught.value.rule == "AUTH-CREDENTIALS"
            assert [type(request) for request in man.heard] == [requests.LoginStart]
            assert [type(reply) for reply in man.answered] == [replies.LoginChallenge]
            assert account.get(victim.store) is None
            assert server.get(victim.store) is None
            assert alice.running.is_connected

    run_virtual(scenario())


@in_world
async def test_a_device_login_relayed_onto_another_channel_is_refused(world: World) -> None:
    alice = await world.person("alice")
    await alice.running.close()
    man = MiddleMan(world.server)
    connection = await open_connection(man.connector, alice.environment, pin=None)
    assert connection.peer.server_id == IDENTITY.server_id
    with pytest.raises(RejectedError) as caught:
        await log_in_device(connection, alice.store)
    assert caught.value.rule == "DS-BAD-CREDENTIALS"
    assert [type(request) for request in man.heard] == [requests.DeviceLogin]
    connection.close()
    honest = await open_connection(world.server.connector(), alice.environment, pin=world.server.server.server_id)
    assert (await log_in_device(honest, alice.store)).login_name == "alice"
    honest.close()


@dataclass
class Tampering:
    """Does one thing to one piece of one direction, from its ``at``-th on; a piece is what was written at once.

    Attributes:
        done: whether it was done.
    """

    wire: Wire
    what: str
    upward: bool
    at: int
    done: bool = False
    kept: bytes = b""
    seen: int = 0

    def __call__(self, data: bytes, upward: bool) -> bytes:
        """What arrives in place of ``data``."""
        if upward is not self.upward or self.done:
            return data
        self.seen += 1
        if self.seen < self.at:
            self.kept = data if self.what == "replayed" else b""
            return data
        return self._change(data)

    def _change(self, data: bytes) -> bytes:
        self.done = self.what != "reordered" or bool(self.kept)
        match self.what:
            case "tampered":
                middle = len(data) // 2
                return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            case "truncated":
                return data[:-1]
            case "replayed":
                return data + self.kept
            case "reordered":
                now, self.kept = self.kept, data
                return data + now if now else b""
            case "reflected":
                (self.wire.client if self.upward else self.wire.server).arrive(data)
                return b""
            case _:
                return b""


@pytest.mark.parametrize("what", ["tampered", "truncated", "replayed", "reordered", "reflected", "dropped"])
@pytest.mark.parametrize("upward", [True, False], ids=["to the server", "to the client"])
def test_a_line_that_is_tampered_with_ends_and_the_conversation_is_whole(what: str, upward: bool) -> None:
    async def scenario() -> None:
        async with await World.open(seed=f"{what} {upward}") as world:
            alice, bob = await world.people("alice", "bob")
            room = await garden(alice, bob)
            wire = line(bob).wires[-1]
            tampering = wire.tamper = Tampering(wire, what, upward, at=3)
            expected = []
            for number in range(6):
                for person in (alice, bob):
                    await person.says(room, f"{person.name} {number}")
                    expected.append(f"{person.name} {number}")
            for person in (alice, bob):
                for text in expected:
                    await person.has(MessageArrived, says(text))
            assert tampering.done
            lost = [event for event in bob.saw(ConnectionChanged) if not event.is_connected]
            assert lost, "nobody noticed"
            assert line(bob).wires[-1] is not wire
            heard = await texts(alice, room)
            assert await texts(bob, room) == heard
            assert sorted(heard) == sorted(expected)
            assert alice.saw(MessagesMissing) == bob.saw(MessagesMissing) == []
            assert len(epochs(room, alice, bob)) == 1

    run_virtual(scenario())

"""A message of one layer fed to every other parser: all pairs, at the places where the product takes bytes.

Every type's decoder hears a real value of every other type. Every judge hears every message: a judge is what the
product calls on bytes that a stranger gave it, and it takes its own messages and no others. And a real server hears
every message in each field of its requests whose bytes have a form.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from entrenous.client.rooms.sealed import SealedKind
from entrenous.codec import Struct, decode_as, encode_as
from entrenous.errors import CryptoError, MalformedError
from entrenous.mls.types import MLSMessage, WireFormat
from entrenous.opaque import KE3, RegistrationResponse
from entrenous.opaque import messages as opaque_messages
from entrenous.server import Limits, Rate
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, replies, requests
from foreign_messages import JUDGES, messages
from fuzz import real, rooms
from fuzz.codecs import MLS, OURS
from fuzz.rooms import MESSAGE_ID, ROOM_ID
from fuzz.target import REFUSED
from server_people import RETENTION, Person, RawClient, World

#: Types of one size without a form inside: only the place tells them apart. A server's answer to a registration and a
#: client's proof are fields of different messages, in different directions.
ALIKE = {(RegistrationResponse, KE3), (KE3, RegistrationResponse)}

#: Calls and answers are numbered apart, so some of one direction can be read in the other. They never get there: each
#: direction has its own key (``test_records.py::test_a_reflected_record_is_refused``).
REFLECTED = {
    "a server, a call": {"wire: answer LoginDone", "wire: answer Rooms"},
    "a client, an answer or event": {"wire: call RegisterStart", "wire: call PutVault"},
}

KINDS: tuple[Any, ...] = (*MLS, *OURS, MLSMessage)


def name_of(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


@functools.cache
def values() -> list[tuple[Any, list[bytes]]]:
    """Real encodings of every type."""
    known = real.values()
    made = [(kind, [encode_as(kind, value) for value in known[str(kind)]]) for kind in KINDS if kind is not MLSMessage]
    return [*made, (MLSMessage, list(rooms.mls_messages()))]


@pytest.mark.parametrize("reader", KINDS, ids=name_of)
def test_no_value_of_one_type_is_read_as_another(reader: Any) -> None:
    taken, refused = set(), 0
    for kind, encodings in values():
        for data in encodings:
            try:
                decode_as(reader, data)
            except MalformedError:
                refused += 1
            else:
                taken.add(kind)
    assert taken == {reader} | {kind for kind, other in ALIKE if other is reader}
    assert refused >= len(KINDS) - 2


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_takes_its_own_messages_and_none_of_any_other_layer(judge: str) -> None:
    own = {name for name in messages() if JUDGES[judge].takes(name)}
    assert own, "a judge without a message of its own proves nothing"
    taken = set()
    for name, data in messages().items():
        try:
            JUDGES[judge].hear(data)
        except REFUSED:
            continue
        taken.add(name)
    assert taken == own | REFLECTED.get(judge, set())


def test_every_message_has_a_judge_that_takes_it() -> None:
    for name in messages():
        assert any(judge.takes(name) for judge in JUDGES.values()), name


def names_after(front: str) -> set[str]:
    return {name.removeprefix(front) for name in messages() if name.startswith(front)}


def test_no_kind_of_message_is_missing_here() -> None:
    assert names_after("sealed: ") == {kind.name for kind in SealedKind}
    own = {cls.__name__ for cls in vars(opaque_messages).values() if isinstance(cls, type) and issubclass(cls, Struct)}
    assert names_after("opaque: ") == own - {"Struct", "Envelope", "CredentialResponse", "Unmasked"}
    formats = {MLSMessage.decode(data).encode()[2:4] for name, data in messages().items() if is_mls_message(name)}
    assert formats == {encode_as(WireFormat, each) for each in WireFormat}


def is_mls_message(name: str) -> bool:
    return JUDGES["anybody, MLSMessage"].takes(name)


Scenario = Callable[[World], Awaitable[None]]
#: What a refusal of foreign bytes may be; never that the server is at fault, and never silence.
REFUSALS = {ErrorCode.MALFORMED, ErrorCode.BAD_CREDENTIALS, ErrorCode.DENIED}
OFTEN = Rate(1_000_000, 1.0)


def play(scenario: Scenario) -> None:
    async def main() -> None:
        limits = Limits(logins_per_name=OFTEN, logins_per_address=OFTEN, registrations_per_address=OFTEN)
        async with await World.start(limits=limits) as world:
            await scenario(world)

    run_virtual(main())


#: Fields of a device's requests whose bytes have a form: the message that belongs there, and the request. What is only
#: kept for clients (vault, Welcomes, KeyPackages, sealed state) is theirs to judge.
FIELDS: dict[str, tuple[str | None, Callable[[Person, bytes], requests.Request]]] = {
    "PutDeviceList.device_list": (None, lambda person, data: requests.PutDeviceList(1, data)),
    "Publish.entry": (
        "mls: application message",
        lambda person, data: requests.Publish(ROOM_ID, 0, person.message_id(), data),
    ),
    "Commit.entry": (
        "mls: Commit",
        lambda person, data: requests.Commit(ROOM_ID, 0, MESSAGE_ID, data, (), b"info", b"nodes", None),
    ),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_server_refuses_every_foreign_message_in_a_field_and_goes_on(field: str) -> None:
    own, asking = FIELDS[field]

    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        await alice.client.call(requests.CreateRoom(ROOM_ID, RETENTION, b"info", b"tree"))
        for name, data in messages().items():
            if name != own:
                assert (await alice.client.refused(asking(alice, data))).code in REFUSALS, name
        if own is not None:
            assert await alice.client.call(asking(alice, messages()[own])) == replies.Published(1)
        assert await alice.client.call(requests.Ping()) == replies.Done()

    play(scenario)


class Swapping:
    """A connection on whose way one field of one kind of request becomes other bytes."""

    def __init__(self, client: RawClient, kind: type[requests.Request], field: str, data: bytes) -> None:
        self._client, self._kind, self._field, self._data = client, kind, field, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def call(self, request: requests.Request) -> Any:
        """The reply to the request, with other bytes in it if it is the one."""
        if isinstance(request, self._kind):
            request = msgspec.structs.replace(request, **{self._field: self._data})
        return await self._client.call(request)


@pytest.mark.parametrize("field", ["password_record", "recovery_record", "device_list"])
def test_a_server_registers_nobody_with_a_foreign_message_in_a_field(field: str) -> None:
    async def scenario(world: World) -> None:
        token = (await world.memory.server.create_invite(1, 3_600)).token
        client = await world.connect()
        for name, data in messages().items():
            if name == "opaque: RegistrationRecord":
                continue
            swapping: Any = Swapping(client, requests.RegisterFinish, field, data)
            reply = await Person(world, "alice", swapping).register(token)
            assert is_refused(reply), (name, reply)
        # Nothing was used up and nothing was stored: the same invite and name are good for the honest one.
        assert await Person(world, "alice", client).register(token) == replies.Done()

    play(scenario)


@pytest.mark.parametrize(
    ("kind", "field", "own"),
    [(requests.LoginStart, "ke1", "opaque: KE1"), (requests.LoginFinish, "ke3", "opaque: KE3")],
    ids=["ke1", "ke3"],
)
def test_a_server_lets_nobody_in_with_a_foreign_message_in_a_field(
    kind: type[requests.Request], field: str, own: str
) -> None:
    async def scenario(world: World) -> None:
        alice = await world.register("alice")
        client = await world.connect()
        for name, data in messages().items():
            # Even the right kind of message, of another login, lets nobody in.
            swapping: Any = Swapping(client, kind, field, data)
            if name == own == "opaque: KE1":
                with pytest.raises(CryptoError):
                    await alice.password_login(swapping)
                continue
            assert is_refused(await alice.password_login(swapping)), name
        assert isinstance(await alice.password_login(client), replies.LoginDone)

    play(scenario)


def is_refused(reply: Any) -> bool:
    return isinstance(reply, replies.Error) and reply.code in REFUSALS

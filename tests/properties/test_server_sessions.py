"""Any requests in any order, on any number of connections: replies or a close, never a hang, never a broken server."""

import asyncio
import dataclasses
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.server import Limits
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, replies, requests
from server_people import Person, RawClient, World

REQUESTS = get_args(requests.AnyRequest)
#: What a device may ask; whoever is not one is told so.
OF_DEVICES = tuple(kind for kind in REQUESTS if kind.__struct_config__.tag >= 20 and kind is not requests.Ping)


def values(annotation: Any, interesting: dict[str, list[bytes]]) -> st.SearchStrategy[Any]:
    """Any value that fits a field of a request, and often one that means something here."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        meta = arguments[1]
        if arguments[0] is bytes:
            return sized_bytes(meta.min_length or 0, min(meta.max_length or 0, 64), interesting)
        if arguments[0] is int:
            return st.integers(meta.ge, meta.le) | st.integers(meta.ge, min(meta.le, meta.ge + 3))
        if arguments[0] is str:
            return st.sampled_from(["alice", "bob", "carol"]) | st.text(min_size=1, max_size=20)
        return st.lists(values(get_args(arguments[0])[0], interesting), max_size=3).map(tuple)
    if annotation is bool:
        return st.booleans()
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return shapes(annotation, interesting)
    # Something or None.
    return st.none() | values(arguments[0], interesting)


def sized_bytes(least: int, most: int, interesting: dict[str, list[bytes]]) -> st.SearchStrategy[bytes]:
    known = [value for group in interesting.values() for value in group if least <= len(value) <= max(most, least)]
    drawn = st.binary(min_size=least, max_size=max(most, least))
    return st.sampled_from(known) | drawn if known else drawn


def shapes(kind: type[Any], interesting: dict[str, list[bytes]]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    fields = [values(hints[name], interesting) for name in kind.__struct_fields__]
    return st.tuples(*fields).map(lambda arguments: kind(*arguments))


@dataclasses.dataclass
class Act:
    """Something that a client does."""

    client: int
    kind: str
    draw: int


#: The steps of a script are drawn first; what each request holds is drawn from its number when the ids are known.
ACTS = st.lists(
    st.builds(Act, st.integers(0, 2), st.sampled_from(["request", "log in", "password", "reconnect"]), st.integers(0)),
    max_size=25,
)


@given(st.data(), ACTS)
@settings(max_examples=30)
def test_any_order_of_requests_gets_replies_or_a_close_and_harms_nobody_else(
    data: st.DataObject, acts: list[Act]
) -> None:
    async def main() -> None:
        async with await World.start(limits=Limits(login_seconds=1e6)) as world:
            alice, bob = await world.register("alice"), await world.register("bob")
            witness = await world.person("witness")
            home = await witness.create_room(99)
            rooms = [number.to_bytes(16, "big") for number in (1, 2)]
            interesting = {"ids": [alice.account, bob.account, alice.device, bob.device, *rooms, home]}
            clients = [await world.connect() for _ in range(3)]
            people = [alice, bob, alice]
            for act in acts:
                client = clients[act.client]
                if client.ended.is_set() or act.kind == "reconnect":
                    clients[act.client] = await world.connect()
                elif act.kind == "log in":
                    await answered(client, people[act.client].login_request(client))
                elif act.kind == "password":
                    await password(people[act.client], client)
                else:
                    request = data.draw(shapes(REQUESTS[act.draw % len(REQUESTS)], interesting))
                    await answered(client, request)
            assert await witness.publish(home) == replies.Published(1)

    run_virtual(main())


async def password(person: Person, client: RawClient) -> None:
    if not client.ended.is_set():
        reply = await person.password_login(client)
        assert isinstance(reply, replies.LoginDone | replies.Error)


async def answered(client: RawClient, request: requests.Request) -> None:
    """The request gets a reply of its own kind or a refusal, or the connection ends."""
    future = client.start(request)
    done, _ = await asyncio.wait([future], timeout=60)
    assert done
    if future.exception() is None:
        assert isinstance(future.result(), (type(request).REPLY, replies.Error)), (request, future.result())
    else:
        assert client.ended.is_set()


@pytest.mark.parametrize("kind", OF_DEVICES)
def test_whatever_is_a_devices_is_refused_to_everybody_else(kind: type[requests.Request]) -> None:
    @given(shapes(kind, {}))
    @settings(max_examples=3)
    def check(request: requests.Request) -> None:
        async def main() -> None:
            async with await World.start() as world:
                alice = await world.register("alice")
                client = await world.connect()
                assert (await client.refused(request)).code is ErrorCode.UNAUTHENTICATED
                await alice.password_login(client)
                assert (await client.refused(request)).code is ErrorCode.UNAUTHENTICATED

        run_virtual(main())

    check()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
@settings(max_examples=30)
def test_any_bytes_in_a_message_close_the_connection_or_get_a_reply(messages: list[bytes]) -> None:
    async def main() -> None:
        async with await World.start() as world:
            client = await world.connect()
            for message in messages:
                if client.ended.is_set():
                    break
                client.channel.send_message(message)
                client.flush()
                await asyncio.sleep(1)
            assert client.ended.is_set()
            other = await world.connect()
            assert await other.call(requests.Ping()) == replies.Done()

    run_virtual(main())

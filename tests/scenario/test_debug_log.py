"""The whole debug output of a conversation: each step as a line, each secret by a fingerprint, and no secret at all."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from entrenous.cli.logs import LogFormat, LogLevel, configure, log_trace
from entrenous.client import CreateRoom, InviteMember, KickMember, RemovedFromRoom, RoomJoined
from entrenous.testing import MemoryServer
from entrenous.testing.members import PASSWORD, World
from entrenous.trace import fingerprint
from secret_traces import Everything, forms

ROOM, LINES = "Garden of forking paths", ("the treasure lies under the third oak", "now he is out")
#: What a line may be about: the issue's steps, key derivations, records, epochs and messages.
STEPS = {"noise.token", "derived", "channel.split", "channel.record", "mls.epoch", "mls.protect", "mls.unprotect"}


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """Where everything is logged, as JSON lines."""
    before = structlog.get_config()
    stream = io.StringIO()
    configure(LogLevel.DEBUG, LogFormat.JSON, stream)
    yield stream
    structlog.configure(**before)


async def converse(folder: Path, people: Everything, host: Everything) -> bytes:
    """Registration, a room, an invitation, messages, a removal and a login; returns the room's id."""
    async with await World.open(folder, server=await MemoryServer.start(trace=host), trace=people) as world:
        alice, bob = await world.people("alexandra", "benedikt")
        room = (await alice.do(CreateRoom(ROOM))).room
        await alice.do(InviteMember(room, bob.name))
        await bob.sees(RoomJoined)
        await bob.says(room, LINES[0])
        await alice.reads(LINES[0])
        await alice.do(KickMember(room, bob.name))
        await bob.sees(RemovedFromRoom)
        await alice.says(room, LINES[1])
        await bob.stop()
        await world.new_device(bob.name)
        return room


async def test_the_debug_log_shows_every_step_and_no_secret(tmp_path: Path, output: io.StringIO) -> None:
    people, host = Everything(log_trace("client")), Everything(log_trace("server"))
    room = await converse(tmp_path, people, host)
    text = output.getvalue().encode()
    lines = [json.loads(line) for line in text.splitlines()]
    secrets = people.secrets | host.secrets
    check_that_nothing_leaks(text, set(secrets))
    check_that_each_secret_has_its_line(lines, secrets)
    assert {line["event"] for line in lines} >= STEPS
    check_that_places_can_be_followed(lines, room)


def check_that_nothing_leaks(text: bytes, secrets: set[bytes]) -> None:
    said = {each.encode() for each in (ROOM, PASSWORD, *LINES)}
    assert len(secrets) > 100
    leaks = [secret for secret in secrets | said if any(form in text for form in forms(secret))]
    assert leaks == []
    # The control: the same search finds each form of a secret that does stand there.
    for secret in [*secrets][:3]:
        assert all(form in text + b" ".join(forms(secret)) for form in forms(secret))


def check_that_each_secret_has_its_line(lines: list[dict[str, Any]], secrets: dict[bytes, str]) -> None:
    shown = {(line["name"], line["fingerprint"]) for line in lines if line["event"] == "derived"}
    assert {(name, fingerprint(secret)) for secret, name in secrets.items()} <= shown
    # Without pre-shared keys their secret is made of nothing (RFC 9420 §8.4).
    unnamed = {line["name"] for line in lines if line["event"] == "derived" and not line["inputs"]}
    assert unnamed <= {"psk_secret"}


def check_that_places_can_be_followed(lines: list[dict[str, Any]], room: bytes) -> None:
    """A connection by its number at the server and by its opening at both ends, a room by its id."""
    served = [line for line in lines if line.get("component") == "server"]
    assert all("connection" in line for line in served)
    openings = [line["opening"] for line in lines if line["event"] == "channel.split"]
    assert len(openings) == 2 * len(set(openings))
    assert {line["group"] for line in lines if line["event"].startswith("mls.")} == {room.hex()}

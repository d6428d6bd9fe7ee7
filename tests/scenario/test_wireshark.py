"""What a network sees of a conversation: the real tshark with our dissector, and a search of every byte."""

import asyncio
from pathlib import Path

import pytest

from entrenous.capture import KeyLog, Report, read_key_log
from entrenous.channel import CLASSIC, HYBRID, Suite
from entrenous.client import CreateRoom, InviteMember, KickMember, RemovedFromRoom, RoomJoined
from entrenous.client.session import TcpConnector
from entrenous.server import Server, Settings
from entrenous.testing import FAST_KSF, MemoryServer, SeededEntropy, VirtualClock
from entrenous.testing.members import PASSWORD, World
from secret_traces import Everything, forms
from wire_taps import dissected, tapped
from worlds import texts

ROOM, NAMES = "Garden of forking paths", ("alexandra", "benedikta", "cornelius")
LINES = ("the treasure lies under the third oak", "and nobody else is to know", "now he is out")


async def converse(folder: Path, suite: Suite, trace: Everything) -> Path:
    """Registration, a room, invitations, a removal, a login with the password; returns the capture of it."""
    clock = VirtualClock(asyncio.get_running_loop())
    settings = Settings(
        data_dir=folder / "server", host="127.0.0.1", port=0, public_address="localhost:7443", ksf=FAST_KSF
    )
    server = await Server.open(settings, clock=clock, entropy=SeededEntropy("tap"), trace=trace)
    await server.listen()
    hosting = MemoryServer(server, clock)
    async with (
        tapped(folder, server.address[1]) as tap,
        await World.open(folder, server=hosting, trace=trace, suite=suite) as world,
    ):
        connector = TcpConnector(*server.address)
        alice, bob, carol = [await world.person(name, connector) for name in NAMES]
        room = (await alice.do(CreateRoom(ROOM))).room
        for guest in (bob, carol):
            await alice.do(InviteMember(room, guest.name))
            await guest.sees(RoomJoined)
        await alice.says(room, LINES[0])
        await carol.reads(LINES[0])
        await bob.says(room, LINES[1])
        await alice.reads(LINES[1])
        await alice.do(KickMember(room, bob.name))
        await bob.sees(RemovedFromRoom)
        await alice.says(room, LINES[2])
        await carol.reads(LINES[2])
        await carol.stop()
        await world.new_device(carol.name, connector)
        assert await texts(alice, room) == list(LINES)
        # The control: the same secrets where anybody can see them, found by the same search.
        await tap.say("\n".join((*NAMES, ROOM, PASSWORD, *LINES)).encode() + b"".join(sorted(trace.secrets)[:8]))
    return tap.file


def findings(file: Path, streams: str, secrets: set[bytes]) -> set[bytes]:
    """The secrets that stand in the payloads of these connections: as they are, in hexadecimal, or in base64."""
    packets = dissected(file, ("tcp.payload",), f"tcp.payload and ({streams})")
    stream = bytes.fromhex("".join(value for packet in packets for value in packet["tcp.payload"]))
    return {secret for secret in secrets if any(form in stream for form in forms(secret))}


@pytest.mark.parametrize("suite", [HYBRID, CLASSIC], ids=lambda suite: suite.label)
async def test_a_capture_shows_sizes_and_times_and_the_key_log_shows_the_rest(tmp_path: Path, suite: Suite) -> None:
    trace = Everything()
    file = await converse(tmp_path, suite, trace)
    check_that_nothing_shows(file, trace)
    check_that_every_byte_is_dissected(file, suite)
    check_that_the_key_log_opens_all(file, trace.lines)


def check_that_nothing_shows(file: Path, trace: Everything) -> None:
    secrets = {*trace.secrets} | {text.encode() for text in (*NAMES, ROOM, PASSWORD, *LINES)}
    assert len(secrets) > 100
    assert findings(file, "entrenous", secrets) == set()
    control = {text.encode() for text in (*NAMES, ROOM, PASSWORD, *LINES)} | set(sorted(trace.secrets)[:8])
    assert findings(file, "not entrenous", secrets) >= control


def check_that_every_byte_is_dissected(file: Path, suite: Suite) -> None:
    """The dissector finds each frame that there is, of the right size, nothing malformed and no key twice."""
    wrong = "entrenous.malformed or entrenous.alert or entrenous.unknown or _ws.malformed or _ws.lua.error"
    assert dissected(file, ("frame.number",), wrong) == []
    packets = dissected(file, ("tcp.stream", "entrenous.length", "entrenous.preface.suite", "entrenous.handshake.e"))
    with file.open("rb") as capture:
        report = Report(capture, KeyLog())
    expected = sorted(
        sorted(frame.size for frame in report.frames(row.number)) for row in report.connections() if row.client
    )
    sizes: dict[str, list[int]] = {}
    for packet in packets:
        sizes.setdefault(packet["tcp.stream"][0], []).extend(map(int, packet.get("entrenous.length", [])))
    assert sorted(map(sorted, sizes.values())) == expected
    assert {int(value) for packet in packets for value in packet.get("entrenous.preface.suite", [])} == {suite.number}
    ephemeral = [value for packet in packets for value in packet.get("entrenous.handshake.e", [])]
    assert len(ephemeral) == 2 * len(expected)
    assert len(set(ephemeral)) == len(ephemeral)


def check_that_the_key_log_opens_all(file: Path, lines: list[str]) -> None:
    with file.open("rb") as capture:
        report = Report(capture, read_key_log(lines))
    rows = list(report.connections())
    assert all(row.decrypted and not row.trouble for row in rows)
    messages = [message for row in rows for message in report.messages(row.number)]
    names = {message.name for message in messages}
    assert {"RegisterStart", "DeviceLogin", "CreateRoom", "Commit", "Publish", "NewEntry", "LoginStart"} <= names
    assert "unreadable" not in names
    said = {each.what for message in messages for each in message.said}
    assert set(LINES) <= said
    assert {"Commit of Add", "Commit of Remove"} <= {what.partition(",")[0] for what in said}
    # Another connection's keys open none of it.
    first = next(line.split()[1] for line in lines if line.startswith("ENTRENOUS_CLIENT"))
    with file.open("rb") as capture:
        others = Report(capture, read_key_log([line for line in lines if line.split()[1] == first]))
    assert sum(row.decrypted for row in others.connections()) == 1

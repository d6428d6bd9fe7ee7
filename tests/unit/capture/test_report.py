"""A capture of real channels: what it shows without keys, and all of it with them."""

import io
import random
from collections.abc import Callable
from typing import Any

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.capture import KeyLog, KeyLogTrace, Report, read_key_log
from entrenous.channel import CLASSIC, HYBRID, ClientConnection, RekeyPolicy, ServerConnection, Suite, issue_credential
from entrenous.crypto import SigningKey
from entrenous.errors import MalformedError
from entrenous.identity import ServerIdentityKey
from entrenous.testing import SeededEntropy
from entrenous.wire import encode_answer, encode_call, replies, requests
from recordings import Tape, capture_of, talk

NOW = 1_800_000_000.0
IDENTITY = ServerIdentityKey(SigningKey.from_seed(b"\x07" * 32))
BOTH = pytest.mark.parametrize("suite", [HYBRID, CLASSIC], ids=lambda suite: suite.label)


def record(suite: Suite, seed: int = 1, **options: Any) -> tuple[Tape, list[str]]:
    """A connection with a ping, a large vault and an answer to each, and the server's key log of it."""
    lines: list[str] = []
    entropy = SeededEntropy(seed)
    credential = issue_credential(IDENTITY, suite, suite.noise.dh.generate(entropy), int(NOW) + 86_400)
    trace = KeyLogTrace(lines.append, with_epochs=False)
    client = ClientConnection(suite, pin=IDENTITY.server_id, entropy=entropy, now=NOW, **options)
    server = ServerConnection({suite.number: credential}, entropy=entropy, now=NOW, trace=trace, **options)
    tape = Tape()
    tape.open()
    talk(tape, client, server, NOW)
    client.max_message = server.max_message = 1 << 20
    for number, request in enumerate((requests.Ping(), requests.PutVault(3, bytes(200_000))), 1):
        client.send_message(encode_call(number, request))
        talk(tape, client, server, NOW)
        server.send_message(encode_answer(number, replies.Done()))
        talk(tape, client, server, NOW)
    client.close()
    talk(tape, client, server, NOW)
    tape.close()
    return tape, lines


@BOTH
def test_without_keys_addresses_sizes_and_the_suite_show_and_nothing_else(suite: Suite) -> None:
    tape, _ = record(suite)
    report = Report(capture_of(tape.packets), KeyLog())
    (row,) = report.connections()
    assert (row.client, row.server) == ("192.0.2.1:50000", "192.0.2.2:7443")
    assert (row.suite, row.server_id, row.decrypted, row.end) == (suite.label, None, False, "ended")
    assert row.client_bytes > 200_000 > row.server_bytes
    assert [frame.kind for frame in report.frames(1)].count("handshake") == 2
    assert list(report.messages(1)) == []


@BOTH
def test_with_keys_the_server_and_every_message_show(suite: Suite) -> None:
    tape, lines = record(suite)
    report = Report(capture_of(tape.packets), read_key_log(lines))
    (row,) = report.connections()
    assert (row.server_id, row.end, row.trouble) == (IDENTITY.server_id.hex(), "closed", "")
    said = [(message.from_client, message.call, message.name) for message in report.messages(1)]
    assert said == [(True, 1, "Ping"), (False, 1, "Done"), (True, 2, "PutVault"), (False, 2, "Done")]
    assert next(m for m in report.messages(1) if m.name == "PutVault").fields == {
        "expected": 3,
        "vault": "200000 bytes",
    }


def test_another_connections_keys_open_nothing() -> None:
    tape, _ = record(HYBRID)
    _, others = record(HYBRID, seed=2)
    (row,) = Report(capture_of(tape.packets), read_key_log(others)).connections()
    assert not row.decrypted
    assert row.server_id is None
    assert row.trouble == ""


def test_keys_that_were_swapped_are_found_out() -> None:
    tape, lines = record(HYBRID)
    swapped = [line.translate(str.maketrans("01", "10")) if "CLIENT" in line else line for line in lines]
    opening = lines[0].split()[1]
    swapped = [" ".join([line.split()[0], opening, line.split()[2]]) for line in swapped]
    report = Report(capture_of(tape.packets), read_key_log(swapped))
    (row,) = report.connections()
    assert "record 1 of the client does not open" in row.trouble
    assert not row.decrypted


def test_keys_that_change_are_followed() -> None:
    tape, lines = record(CLASSIC, rekey=RekeyPolicy(send_records=2))
    report = Report(capture_of(tape.packets), read_key_log(lines))
    assert "rekey" in {frame.kind for frame in report.frames(1)}
    assert [message.name for message in report.messages(1)] == ["Ping", "Done", "PutVault", "Done"]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_packets_that_are_shuffled_and_repeated_make_the_same_conversation(seed: int) -> None:
    tape, lines = SHARED
    chance = random.Random(seed)
    head, rest = tape.packets[:2], tape.packets[2:]
    window = [rest[start : start + 8] for start in range(0, len(rest), 8)]
    for some in window:
        some.extend(chance.sample(some, min(2, len(some))))
        chance.shuffle(some)
    report = Report(capture_of([*head, *(packet for some in window for packet in some)]), read_key_log(lines))
    # In one direction the order is certain; which of two directions came first is what was shuffled.
    assert [m.name for m in report.messages(1) if m.from_client] == ["Ping", "PutVault"]
    assert [m.name for m in report.messages(1) if not m.from_client] == ["Done", "Done"]


SHARED = record(HYBRID)


def test_a_lost_packet_is_told_and_what_came_before_it_is_shown() -> None:
    tape, lines = record(HYBRID)
    kept = [packet for number, packet in enumerate(tape.packets) if number != 40]
    report = Report(capture_of(kept), read_key_log(lines))
    (row,) = report.connections()
    assert "has lost packets" in row.trouble
    assert [message.name for message in report.messages(1)][:2] == ["Ping", "Done"]


@pytest.mark.parametrize("next_generation", [False, True], ids=["pcap", "pcapng"])
def test_both_formats_of_captures_are_read(next_generation: bool) -> None:
    tape, _ = SHARED
    report = Report(capture_of(tape.packets, next_generation=next_generation), KeyLog())
    assert (report.summary.connections, report.summary.packets) == (1, len(tape.packets))


LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "ethernet": (1, lambda packet: bytes(12) + b"\x08\x00" + packet),
    "loopback": (0, lambda packet: b"\x02\x00\x00\x00" + packet),
    "any": (113, lambda packet: bytes(14) + b"\x08\x00" + packet),
    "any, second form": (276, lambda packet: b"\x08\x00" + bytes(18) + packet),
}


@pytest.mark.parametrize("name", LINKS)
def test_every_usual_link_is_read(name: str) -> None:
    link, wrap = LINKS[name]
    report = Report(capture_of(map(wrap, SHARED[0].packets), link), KeyLog())
    assert report.summary.connections == 1


def test_ipv6_is_read() -> None:
    tape = Tape(("2001:db8::1", 1), ("2001:db8::2", 2))
    tape.open()
    tape.carry(b"ENTR\x01\x01", from_client=True)
    (row,) = Report(capture_of(tape.packets), KeyLog()).connections()
    assert (row.client, row.suite, row.end) == ("[2001:db8::1]:1", "hybrid", "goes on")


def test_other_connections_are_counted_and_left_alone() -> None:
    tape = Tape()
    tape.open()
    tape.carry(b"GET / HTTP/1.1\r\n\r\n", from_client=True)
    report = Report(capture_of([*tape.packets, b"\x45junk", b""]), KeyLog())
    assert (report.summary.connections, report.summary.others) == (0, 1)


def test_a_port_that_is_used_again_is_another_connection() -> None:
    first, _ = record(HYBRID)
    second, lines = record(HYBRID, seed=2)
    report = Report(capture_of([*first.packets, *second.packets]), read_key_log(lines))
    assert [row.decrypted for row in report.connections()] == [False, True]


def test_a_capture_whose_beginning_is_missing_still_has_its_client() -> None:
    tape, lines = record(HYBRID)
    (row,) = Report(capture_of(tape.packets[2:]), read_key_log(lines)).connections()
    assert row.client == "192.0.2.1:50000"
    assert row.decrypted


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = capture_of(SHARED[0].packets).getvalue()
    report = Report(io.BytesIO(whole[:-300]), read_key_log(SHARED[1]))
    assert report.summary.cut_off
    assert "Ping" in {message.name for message in report.messages(1)}


@settings(max_examples=300)
@given(st.data())
def test_whatever_a_file_holds_it_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(capture_of(SHARED[0].packets[:8]).getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        report = Report(io.BytesIO(bytes(whole)), read_key_log(SHARED[1]))
    except MalformedError:
        return
    for row in report.connections():
        list(report.messages(row.number))


def test_behind_a_proxys_header_a_connection_is_read() -> None:
    lines: list[str] = []
    entropy = SeededEntropy(1)
    credential = issue_credential(IDENTITY, HYBRID, HYBRID.noise.dh.generate(entropy), int(NOW) + 86_400)
    client = ClientConnection(HYBRID, pin=IDENTITY.server_id, entropy=entropy, now=NOW)
    trace = KeyLogTrace(lines.append, with_epochs=False)
    server = ServerConnection({HYBRID.number: credential}, entropy=entropy, now=NOW, trace=trace)
    tape = Tape()
    tape.open()
    tape.carry(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12), from_client=True)
    talk(tape, client, server, NOW)
    client.send_message(encode_call(1, requests.Ping()))
    talk(tape, client, server, NOW)
    report = Report(capture_of(tape.packets), read_key_log(lines))
    (row,) = report.connections()
    assert row.decrypted
    assert len(list(report.messages(row.number))) == 1


@pytest.mark.parametrize("time", [253_402_300_800, 2**43])
def test_a_time_that_no_calendar_names_ends_the_file(time: int) -> None:
    tape, _ = record(HYBRID)
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file, linktype=101)
    writer.writepkt(tape.packets[0], ts=NOW)
    writer.writepkt(tape.packets[1], ts=float(time))
    file.seek(0)
    summary = Report(file, KeyLog()).summary
    assert summary.cut_off
    assert summary.packets == 1


def test_what_is_no_capture_is_refused() -> None:
    for content in (b"", b"no capture", bytes(100)):
        with pytest.raises(MalformedError):
            Report(io.BytesIO(content), KeyLog())
    with pytest.raises(MalformedError, match="link type 147"):
        Report(capture_of([], 147), KeyLog())

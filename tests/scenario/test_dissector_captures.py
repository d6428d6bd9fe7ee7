"""The dissector on captures that are not neat: proxies, single bytes, lost and cut packets, traffic of others."""

import shutil
from pathlib import Path

import dpkt
import pytest

from entrenous.channel import CLASSIC, HYBRID, ClientConnection, ServerConnection, Suite, issue_credential
from entrenous.crypto import SigningKey
from entrenous.identity import ServerIdentityKey
from entrenous.testing import SeededEntropy
from postgres import need
from recordings import Tape, capture_of, talk
from wire_taps import dissected

NOW = 1_800_000_000.0
IDENTITY = ServerIdentityKey(SigningKey.from_seed(b"\x07" * 32))
PROXY_HEADER = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12)
WRONG = "entrenous.malformed or entrenous.unknown or _ws.malformed or _ws.lua.error"
HANDSHAKE = ["preface", "handshake 1", "handshake 2"]


def conversation(suite: Suite = HYBRID, header: bytes = b"") -> Tape:
    """A handshake and a message of several segments, perhaps behind a proxy's header."""
    entropy = SeededEntropy(1)
    credential = issue_credential(IDENTITY, suite, suite.noise.dh.generate(entropy), int(NOW) + 86_400)
    client = ClientConnection(suite, pin=IDENTITY.server_id, entropy=entropy, now=NOW)
    server = ServerConnection({suite.number: credential}, entropy=entropy, now=NOW)
    tape = Tape()
    tape.open()
    if header:
        tape.carry(header, from_client=True)
    talk(tape, client, server, NOW)
    client.send_message(bytes(3_000))
    talk(tape, client, server, NOW)
    client.close()
    talk(tape, client, server, NOW)
    return tape


def kinds(folder: Path, packets: list[bytes], *options: str) -> list[str]:
    """What the dissector finds; nothing of it is malformed."""
    need(*(name for name in ("tshark",) if shutil.which(name) is None))
    file = folder / "capture.pcap"
    file.write_bytes(capture_of(packets).getvalue())
    assert dissected(file, ("frame.number",), WRONG, *options) == []
    found = dissected(file, ("entrenous.kind",), "entrenous", *options)
    return [kind for packet in found for kind in packet.get("entrenous.kind", [])]


@pytest.mark.parametrize("suite", [HYBRID, CLASSIC], ids=lambda suite: suite.label)
def test_a_second_pass_as_wireshark_makes_it_finds_what_the_first_finds(tmp_path: Path, suite: Suite) -> None:
    packets = conversation(suite).packets
    once = kinds(tmp_path, packets)
    assert once[:3] == HANDSHAKE
    assert set(once[3:]) == {"record"}
    assert kinds(tmp_path, packets, "-2") == once


def test_behind_a_proxys_header_the_connection_is_found(tmp_path: Path) -> None:
    assert kinds(tmp_path, conversation(header=PROXY_HEADER).packets) == kinds(tmp_path, conversation().packets)


def test_a_preface_that_comes_byte_by_byte_is_found_on_our_port(tmp_path: Path) -> None:
    whole, tape = conversation(), Tape()
    tape.open()
    for packet in whole.packets[2:]:
        ip = dpkt.ip.IP(packet)
        from_client = ip.data.sport != whole.server[1]
        tape.carry(bytes(ip.data.data), from_client=from_client, segment=1 if len(tape.packets) == 2 else 1_000)
    assert kinds(tmp_path, tape.packets) == kinds(tmp_path, whole.packets)


def test_where_the_capture_has_lost_bytes_nothing_is_guessed(tmp_path: Path) -> None:
    packets = conversation().packets
    whole = kinds(tmp_path, packets)
    for lost in (2, 4, 6):
        assert len(kinds(tmp_path, packets[:lost] + packets[lost + 1 :])) <= len(whole)


def test_a_capture_of_each_packets_beginning_is_not_called_malformed(tmp_path: Path) -> None:
    cut = [packet[:100] for packet in conversation().packets]
    assert kinds(tmp_path, cut) == ["preface"]


def test_without_a_preface_it_is_nobodys_traffic(tmp_path: Path) -> None:
    assert kinds(tmp_path, conversation().packets[4:]) == []
    tape = Tape()
    tape.open()
    tape.carry(b"\x00\x03abc\x00\x01z", from_client=True)
    tape.carry(b"\x00\x01z\x00\x00", from_client=False)
    assert kinds(tmp_path, tape.packets) == []

"""Captures as a network would have made them, of channels that talk in memory: the packets can be shuffled and lost."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import dpkt

from entrenous.channel import ClientConnection, Connection, ServerConnection

CLIENT, SERVER = ("192.0.2.1", 50_000), ("192.0.2.2", 7_443)
#: Bytes of one TCP segment.
SEGMENT = 1_000
SYN, ACK, FIN = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_FIN


@dataclass
class Tape:
    """One TCP connection on the wire, packet by packet."""

    client: tuple[str, int] = CLIENT
    server: tuple[str, int] = SERVER
    #: Near the end of the sequence numbers, so that they begin anew in the middle.
    numbers: dict[bool, int] = field(default_factory=lambda: {True: 2**32 - 2_000, False: 17})
    packets: list[bytes] = field(default_factory=list)

    def open(self) -> None:
        """The handshake of TCP."""
        self._packet(from_client=True, flags=SYN)
        self._packet(from_client=False, flags=SYN | ACK)

    def close(self) -> None:
        """The client's last segment."""
        self._packet(from_client=True, flags=FIN | ACK)

    def carry(self, data: bytes, *, from_client: bool, segment: int = SEGMENT) -> None:
        """Bytes of one direction, in segments."""
        for start in range(0, len(data), segment):
            self._packet(from_client=from_client, flags=ACK, payload=data[start : start + segment])

    def _packet(self, *, from_client: bool, flags: int, payload: bytes = b"") -> None:
        source, target = (self.client, self.server) if from_client else (self.server, self.client)
        number = self.numbers[from_client]
        tcp = dpkt.tcp.TCP(sport=source[1], dport=target[1], seq=number, flags=flags, data=payload)
        self.numbers[from_client] = (number + len(payload) + bool(flags & (SYN | FIN))) % 2**32
        self.packets.append(bytes(ip_packet(source[0], target[0], tcp)))


def ip_packet(source: str, target: str, tcp: Any) -> Any:
    """The segment in a packet of the addresses' version."""
    packed = {"src": ip_address(source).packed, "dst": ip_address(target).packed, "data": tcp}
    if ip_address(source).version == 6:
        return dpkt.ip6.IP6(nxt=dpkt.ip.IP_PROTO_TCP, plen=len(tcp), **packed)
    return dpkt.ip.IP(p=dpkt.ip.IP_PROTO_TCP, **packed)


def capture_of(packets: Iterable[bytes], link: int = 101, *, next_generation: bool = False) -> io.BytesIO:
    """A capture file with these packets, a millisecond apart."""
    file = io.BytesIO()
    writer = (dpkt.pcapng if next_generation else dpkt.pcap).Writer(file, linktype=link)
    for number, packet in enumerate(packets):
        writer.writepkt(packet, ts=1_800_000_000 + number / 1000)
    file.seek(0)
    return file


def talk(tape: Tape, client: ClientConnection, server: ServerConnection, now: float, rounds: int = 4) -> list[Any]:
    """Carry what both have to say over the tape until neither says more; returns all events."""
    events: list[Any] = []
    for _ in range(rounds):
        for sender, receiver in ((client, server), (server, client)):
            events += _carry(tape, sender, receiver, now, from_client=sender is client)
    return events


def _carry(tape: Tape, sender: Connection, receiver: Connection, now: float, *, from_client: bool) -> list[Any]:
    data = sender.data_to_send(now)
    tape.carry(data, from_client=from_client)
    receiver.receive_data(data, now)
    return list(iter(receiver.next_event, None))

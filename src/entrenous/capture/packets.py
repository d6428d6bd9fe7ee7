"""TCP segments out of a packet capture: pcap and pcapng, of Ethernet, loopback, raw IP and Linux' "any"."""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import dpkt

from entrenous.errors import MalformedError


class _RawIp:
    """A packet that begins with the IP header."""

    def __init__(self, packet: bytes) -> None:
        self.data = dpkt.ip6.IP6(packet) if packet[:1] and packet[0] >> 4 == 6 else dpkt.ip.IP(packet)


#: Link types by number (the pcap format's registry) and what reads their packets. IP alone has had many numbers.
_LINKS: dict[int, Callable[[bytes], Any]] = {
    0: dpkt.loopback.Loopback,
    1: dpkt.ethernet.Ethernet,
    113: dpkt.sll.SLL,
    276: dpkt.sll2.SLL2,
    **dict.fromkeys((12, 14, 101, 228, 229), _RawIp),
}


#: The last second that a calendar names, of the year 9999. pcapng has 64 bits for a time, of any unit.
_LAST_TIME = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a connection."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment.

    Attributes:
        time: unix seconds.
        sequence: of its first byte, or of its SYN.
    """

    time: float
    source: Endpoint
    target: Endpoint
    sequence: int
    syn: bool
    ack: bool
    ends: bool
    payload: bytes = field(repr=False)


class _File:
    """A file that remembers whether it ended in the middle of what was asked for, which the library passes over."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fell_short = False

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data = self._file.read(size)
        self.fell_short = self.fell_short or 0 < len(data) < size
        return data

    def seek(self, place: int) -> int:
        """As of a file."""
        return self._file.seek(place)


class Capture:
    """The TCP segments of a capture file, in its order.

    Args:
        file: of bytes, from the beginning.

    Attributes:
        packets: how many were read; of them were TCP as many as were yielded.

    Raises:
        MalformedError: it is no capture, or one of a link that is not read here.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = _File(file)
        self._is_broken = False
        try:
            self._reader = dpkt.pcap.UniversalReader(self._file)
            link = self._reader.datalink()
        except Exception as error:  # noqa: BLE001 what the library raises for bytes that are no capture, its parts decide
            raise MalformedError(f"this is no pcap or pcapng file: {error}") from None
        if link not in _LINKS:
            raise MalformedError(f"captures of link type {link} are not read here: use Ethernet, loopback or raw IP")
        self._link = _LINKS[link]
        self.packets = 0

    @property
    def cut_off(self) -> bool:
        """Whether the file ends, or breaks, in the middle of a packet."""
        return self._is_broken or self._file.fell_short

    def __iter__(self) -> Iterator[Segment]:
        packets = iter(self._reader)
        while True:
            try:
                time, data = next(packets)
            except StopIteration:
                return
            except Exception:  # noqa: BLE001 however the library says it, the file breaks here, and what was read is good
                self._is_broken = True
                return
            if not 0 <= time <= _LAST_TIME:
                self._is_broken = True
                return
            self.packets += 1
            segment = self._segment(float(time), bytes(data))
            if segment is not None:
                yield segment

    def _segment(self, time: float, data: bytes) -> Segment | None:
        try:
            packet = self._link(data).data
            tcp = packet.data
        except Exception:  # noqa: BLE001 the library reads all protocols, fails at them in any way, and none of those is ours
            return None
        if not isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6) or not isinstance(tcp, dpkt.tcp.TCP):
            return None
        source, target = (str(ipaddress.ip_address(each)) for each in (packet.src, packet.dst))
        return Segment(
            time,
            Endpoint(source, tcp.sport),
            Endpoint(target, tcp.dport),
            tcp.seq,
            bool(tcp.flags & dpkt.tcp.TH_SYN),
            bool(tcp.flags & dpkt.tcp.TH_ACK),
            bool(tcp.flags & (dpkt.tcp.TH_FIN | dpkt.tcp.TH_RST)),
            bytes(tcp.data),
        )

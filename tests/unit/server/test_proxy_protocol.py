"""PROXY protocol v2: what a load balancer says of who is behind it, believed of whom the operator trusts."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from entrenous.cli.run import server_loop
from entrenous.crypto import system_entropy
from entrenous.errors import MalformedError
from entrenous.server import Limits, Server, Settings, SystemClock
from entrenous.server.network.proxy_protocol import FIXED_SIZE, MAX_REST, SIGNATURE, ProxyHeader, parse_header
from entrenous.server.watching.counters import Count
from entrenous.testing import FAST_KSF, VirtualClock, connect_in_memory, run_virtual
from entrenous.testing.entropy import SeededEntropy
from entrenous.testing.memory import MemoryTransport
from proxy_headers import TCP4, TCP6, UDP4, UNIX, UNSPEC, header, header4, header6, tlv
from server_people import ADDRESS, RawClient, Silent

CLIENT = "203.0.113.7"


@given(st.ip_addresses(v=4), st.ip_addresses(v=6), st.binary(max_size=64), st.integers(0, 200))
def test_a_header_gives_the_source_and_ends_where_it_says(
    four: IPv4Address, six: IPv6Address, rest: bytes, size: int
) -> None:
    extra = tlv(0x03, b"crc?") + tlv(0x04, bytes(size))
    for data, source in ((header4(str(four), extra), four), (header6(str(six), extra), six)):
        assert parse_header(data + rest) == ProxyHeader(len(data), str(source))
        assert parse_header(data[:-1]) is None


@given(st.binary(max_size=300), st.sampled_from([b"", SIGNATURE, SIGNATURE + b"\x21", SIGNATURE + b"\x21\x11\x00\x20"]))
def test_any_bytes_are_a_header_its_beginning_or_malformed(data: bytes, beginning: bytes) -> None:
    try:
        found = parse_header(beginning + data)
    except MalformedError:
        return
    assert found is None or FIXED_SIZE <= found.size <= len(beginning + data)


@pytest.mark.parametrize("size", range(FIXED_SIZE + 12))
def test_a_header_that_comes_in_pieces_is_waited_for(size: int) -> None:
    assert parse_header(header4(CLIENT)[:size]) is None


@pytest.mark.parametrize(
    "data",
    [
        header(0x20, TCP4, b"rubbish"),
        header(0x20, UNSPEC),
        header(0x21, UNSPEC, b"whatever"),
        header(0x21, UDP4, bytes(12)),
        header(0x21, UNIX, bytes(216)),
    ],
)
def test_a_balancers_own_check_and_what_has_no_address_that_counts_keep_the_connections_own(data: bytes) -> None:
    assert parse_header(data + b"more") == ProxyHeader(len(data), None)


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n",
        b"\r\n\r\n\x00\r\nQUIt",
        header(0x11, TCP4, bytes(12)),
        header(0x22, TCP4, bytes(12)),
        header(0x31, TCP4, bytes(12)),
        header(0x21, 0x13, bytes(12)),
        header(0x21, 0x41, bytes(12)),
        header(0x20, 0x01, bytes(12)),
        header(0x21, TCP4, bytes(11)),
        header(0x21, TCP6, bytes(35)),
        header(0x21, UNIX, bytes(215)),
        header(0x21, TCP4, bytes(12) + b"\x04"),
        header(0x21, TCP4, bytes(12) + b"\x04\x00\x02\x00"),
        header(0x21, TCP4, bytes(MAX_REST + 1))[:FIXED_SIZE],
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_no_header_is_malformed_before_more_is_waited_for(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_header(data)


async def serve(limits: Limits | None = None, trusted: str = "10.0.0.0/8") -> Server:
    chosen = Settings(
        data_dir=None,
        public_address=ADDRESS,
        ksf=FAST_KSF,
        limits=limits or Limits(),
        proxy_from=(ip_network(trusted), ip_network("2001:db8::/32")),
    )
    clock = VirtualClock(asyncio.get_running_loop())
    return await Server.open(chosen, clock=clock, entropy=SeededEntropy("proxied"), inline_storage=True)


class Behind(RawClient):
    """A client whose bytes a load balancer sends on, behind ``said``."""

    def __init__(self, server: Server, said: bytes) -> None:
        super().__init__(pin=server.server_id, now=0.0)
        self.said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.said)
        super().connection_made(transport)


async def reaches(server: Server, said: bytes, balancer: str) -> Behind:
    client = Behind(server, said)
    client.now = server._clock.now()
    client.channel = RawClient(pin=server.server_id, now=client.now).channel
    connect_in_memory(client, server.protocol_factory()(), address=balancer)
    await client.secured.wait()
    return client


def addresses(server: Server) -> list[str]:
    """What the open connections are counted under."""
    return sorted(place.address for place in server._host.admission._places.values())


@pytest.mark.parametrize("balancer", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::5", "2001:db8::5%eth0"])
def test_the_limits_count_by_the_address_that_a_trusted_balancer_names(balancer: str) -> None:
    async def main() -> None:
        server = await serve()
        clients = [await reaches(server, said, balancer) for said in (header4(CLIENT), header6("2001:db8:7::1"))]
        assert all(client.failure is None and client.handshake is not None for client in clients)
        assert addresses(server) == ["2001:db8:7::", CLIENT]
        await server.close()

    run_virtual(main())


def test_a_balancers_own_check_counts_as_the_balancer() -> None:
    async def main() -> None:
        server = await serve()
        await reaches(server, header(0x20, UNSPEC), "10.1.2.3")
        assert addresses(server) == ["10.1.2.3"]
        await server.close()

    run_virtual(main())


def test_a_flood_behind_a_balancer_meets_the_limit_of_its_own_address_alone() -> None:
    async def main() -> None:
        server = await serve(Limits(connections_per_address=2))
        for _ in range(3):
            await reaches(server, header4(CLIENT), "10.1.2.3")
        friend = await reaches(server, header4("198.51.100.1"), "10.1.2.3")
        assert friend.handshake is not None
        assert addresses(server) == ["198.51.100.1", CLIENT, CLIENT]
        assert server.services.counters[Count.CONNECTIONS_PER_ADDRESS] == 1
        await server.close()

    run_virtual(main())


def test_from_elsewhere_a_header_is_only_a_wrong_beginning_and_without_one_all_is_as_ever() -> None:
    async def main() -> None:
        server = await serve()
        liar = await reaches(server, header4(CLIENT), "192.0.2.9")
        assert liar.handshake is None
        honest = await reaches(server, b"", "192.0.2.9")
        assert honest.handshake is not None
        assert addresses(server) == ["192.0.2.9"]
        await server.close()

    run_virtual(main())


async def knock(server: Server, *pieces: bytes) -> Silent:
    """Something that comes from the balancer's address and says ``pieces``, each in a turn of its own."""
    peer = Silent()
    transport, _ = connect_in_memory(peer, server.protocol_factory()(), address="10.1.2.3")
    for piece in pieces:
        await asyncio.sleep(0.01)
        transport.write(piece)
    return peer


def test_a_balancer_that_sends_no_header_is_cut_off_and_the_log_says_why() -> None:
    async def main() -> None:
        server = await serve()
        with capture_logs() as logs:
            peer = await knock(server, b"\r\n", b"hello")
            await peer.ended.wait()
        assert [line["event"] for line in logs] == ["connection.no_proxy_header"]
        assert server.services.counters[Count.FAILED_CONNECTIONS] == 1
        assert (peer.got, server.connections) == (b"", 0)
        await server.close()

    run_virtual(main())


def test_a_header_comes_whole_within_the_time_for_the_handshake() -> None:
    async def main() -> None:
        server = await serve(Limits(handshake_seconds=3))
        loop = asyncio.get_running_loop()
        began = loop.time()
        data = header4(CLIENT)
        peer = await knock(server, data[:5], data[5:20])
        assert server.connections == 1
        await peer.ended.wait()
        assert 3 <= loop.time() - began < 3.1
        assert server.services.counters[Count.HANDSHAKE_SECONDS] == 1
        assert server.connections == 0
        await server.close()

    run_virtual(main())


def test_there_are_only_so_many_whose_header_is_awaited_and_none_keeps_a_server_from_ending() -> None:
    async def main() -> None:
        server = await serve(Limits(handshakes=2))
        peers = [await knock(server, b"\r\n") for _ in range(3)]
        await peers[2].ended.wait()
        assert server.services.counters[Count.HANDSHAKES] == 1
        assert server.connections == 2
        await server.close()
        for peer in peers:
            await peer.ended.wait()

    run_virtual(main())


PIECES = st.lists(
    st.binary(max_size=40) | st.sampled_from([header4(CLIENT), header4(CLIENT)[:20], SIGNATURE]), max_size=6
)


@settings(max_examples=30)
@given(PIECES)
def test_whatever_a_balancer_sends_ends_in_a_close_or_waits_for_more_until_its_time_is_over(
    pieces: list[bytes],
) -> None:
    async def main() -> None:
        mistakes: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
        server = await serve(Limits(handshake_seconds=3))
        peer = await knock(server, *pieces)
        # Twice the time: for the header, and for the handshake behind it.
        await asyncio.wait_for(peer.ended.wait(), 7)
        assert server.connections == 0
        await server.close()
        assert mistakes == []

    run_virtual(main())


def test_over_tcp_the_header_and_the_clients_first_bytes_may_come_in_one_piece(tmp_path: Path) -> None:
    async def main() -> None:
        chosen = Settings(
            data_dir=tmp_path, host="127.0.0.1", port=0, ksf=FAST_KSF, proxy_from=(ip_network("127.0.0.1"),)
        )
        server = await Server.open(chosen, clock=SystemClock(), entropy=system_entropy)
        await server.listen()
        host, port = server.address
        client = RawClient(pin=server.server_id, now=SystemClock().now())
        line = socket.create_connection((host, port))
        await asyncio.get_running_loop().run_in_executor(
            None, line.sendall, header4(CLIENT) + client.channel.data_to_send(client.now)
        )
        await asyncio.get_running_loop().create_connection(lambda: client, sock=line)
        await client.secured.wait()
        assert client.handshake is not None
        assert addresses(server) == [CLIENT]
        client.transport.close()
        await server.close()

    with asyncio.Runner(loop_factory=server_loop) as runner:
        runner.run(main())


def test_a_check_that_is_reset_before_anybody_asks_who_it_was_is_no_failed_connection() -> None:
    async def main() -> None:
        server = await serve()
        link = server.protocol_factory()()
        reset = MemoryTransport(link, asyncio.get_running_loop(), {"peername": None})
        with capture_logs() as logs:
            link.connection_made(reset)
            link.data_received(header(0x20, UNSPEC))
        assert logs == []
        assert reset.is_closing()
        assert (server.services.counters[Count.FAILED_CONNECTIONS], addresses(server)) == (0, [])
        await server.close()

    run_virtual(main())

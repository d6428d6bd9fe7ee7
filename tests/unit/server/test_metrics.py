"""The figures that Prometheus reads: what they count, and that they name nobody."""

import asyncio
import base64
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import entrenous
from entrenous.errors import CryptoError
from entrenous.server import Limits, Rate
from entrenous.server.network.proxied import Balancers
from entrenous.server.watching.counters import Count
from entrenous.server.watching.histogram import Histogram
from entrenous.server.watching.metrics import Exposition, ServerCollector
from entrenous.server.watching.pulse import BEAT, STALLED, Pulse
from entrenous.testing import run_virtual
from entrenous.wire import ErrorCode, requests
from server_people import Person, World, is_refusal


@given(st.lists(st.floats(-1, 20)))
def test_a_histogram_counts_each_value_in_every_class_that_it_fits(values: list[float]) -> None:
    histogram = Histogram((1, 5, 10))
    for value in values:
        histogram.note(value)
    expected = [(name, sum(value <= float(name) for value in values)) for name in ("1", "5", "10", "+Inf")]
    assert histogram.cumulative() == expected
    assert histogram.count == len(values)


class Figures:
    """A scrape."""

    def __init__(self, text: bytes) -> None:
        self.text = text.decode()
        self._samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self._samples.get((f"entrenous_{name}", tuple(sorted(labels.items()))), 0.0)

    def of(self, name: str) -> list[dict[str, str]]:
        return [dict(labels) for found, labels in self._samples if found == f"entrenous_{name}"]


def scrape(world: World, pulse: Pulse, bus: bool | None = None) -> Figures:
    server = world.memory.server
    collector = ServerCollector(server._host, server.storage, Balancers(()), pulse, lambda: bus)
    return Figures(Exposition(collector).text())


async def scenario(world: World) -> tuple[list[Person], bytes]:
    """Three people, a room, messages, and a few things that are refused."""
    people = [await world.person(name) for name in ("alice", "bob", "carol")]
    alice, bob, _ = people
    room = await alice.create_room(0xFEEDFACECAFEBEEF1234567890ABCDEF)
    base = await alice.add(room, bob)
    for number in range(5):
        await alice.publish(room, b"hello %d" % number, base)
    assert is_refusal(await bob.publish(room, b"late", 0), ErrorCode.CONFLICT)
    stranger = await world.connect()
    with pytest.raises(CryptoError):
        await bob.password_login(stranger, b"wrong")
    assert is_refusal(await stranger.call(requests.LoginFinish(bytes(64))), ErrorCode.BAD_CREDENTIALS)
    await alice.client.call(requests.FindAccount("bob"))
    for _ in range(2):
        await alice.client.call(requests.FindAccount("nobody"))
    return people, room


def test_the_figures_tell_what_happened() -> None:
    async def main() -> None:
        async with await World.start(limits=Limits(lookups=Rate(2, 1e6))) as world:
            pulse = Pulse()
            await scenario(world)
            await asyncio.sleep(10 * BEAT)
            found = scrape(world, pulse)
            assert found("requests_total", kind="Publish", outcome="done") == 5
            assert found("requests_total", kind="Publish", outcome="refused") == 1
            assert found("requests_total", kind="FindAccount", outcome="refused") == 2
            assert found("requests_total", kind="CreateRoom", outcome="done") == 1
            assert found("logins_total", by="device", outcome="accepted") == 3
            assert found("logins_total", by="password", outcome="accepted") == 0
            assert found("logins_total", by="password", outcome="refused") == 1
            assert found("limits_reached_total", limit="lookups") == 1
            # Five messages to both, for their sender hears of them too, and before it the Commit, which adds the other.
            assert found("deliveries_total") == 11
            assert found("connections", state="device") == 3
            assert found("connections", state="anonymous") == 1
            assert found("connections", state="handshake") == 0
            assert found("handshakes_total") == 4
            assert found("store_queue") == 0
            assert found("store_batch_size_count") >= found("store_commit_seconds_count") > 10
            assert found("store_failed_commits_total") == 0
            assert found("loop_lag_seconds_count") >= 9
            assert found("loop_lag_seconds_bucket", le="0.001") == found("loop_lag_seconds_count")
            assert found("build_info", version=entrenous.__version__) == 1
            assert found("bus_connected") == 0
            assert found.of("bus_connected") == []
            assert scrape(world, pulse, bus=True)("bus_connected") == 1
            assert scrape(world, pulse, bus=False).of("bus_connected") == [{}]
            assert found.of("shared_counts_total") == []
            pulse.stop()

    run_virtual(main())


def test_every_limit_has_its_figure() -> None:
    async def main() -> None:
        async with await World.start() as world:
            pulse = Pulse()
            labels = scrape(world, pulse).of("limits_reached_total")
            assert {each["limit"] for each in labels} == {count.value for count in Count}
            pulse.stop()

    run_virtual(main())


def spellings(secrets: Iterable[bytes]) -> Iterable[str]:
    for secret in secrets:
        yield secret.hex()
        yield secret.hex()[:8]
        yield base64.b64encode(secret).decode().rstrip("=")
        yield repr(secret)[2:-1]


def test_the_figures_name_nobody() -> None:
    async def main() -> None:
        async with await World.start() as world:
            pulse = Pulse()
            people, room = await scenario(world)
            ids = [room, *(each for person in people for each in (person.account, person.device))]
            ids += [world.memory.server.server_id]
            text = scrape(world, pulse).text
            words = [*(person.name for person in people), "192.0.2", "hello", *spellings(ids)]
            assert [word for word in words if word.lower() in text.lower()] == []
            families = ("requests_total", "logins_total")
            kinds = {label for name in families for each in scrape(world, pulse).of(name) for label in each}
            assert kinds == {"kind", "outcome", "by"}
            pulse.stop()

    run_virtual(main())


def test_a_pulse_beats_as_long_as_the_loop_turns_and_ages_when_it_does_not() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        late = [0.0]
        pulse = Pulse(lambda: loop.time() + late[0])
        await asyncio.sleep(4 * BEAT)
        assert pulse.age < BEAT
        late[0] = STALLED + 1
        stalled = [pulse.is_stalled]
        await asyncio.sleep(BEAT)
        stalled.append(pulse.is_stalled)
        pulse.stop()
        await asyncio.sleep(STALLED + BEAT)
        stalled.append(pulse.is_stalled)
        assert stalled == [True, False, True]

    run_virtual(main())

"""The server's figures as Prometheus reads them: made when they are asked for, from plain integers.

Nothing here is by account, room, device, name or address: whoever reads the figures learns how busy the server is and
nothing about anybody (docs/threat-model.md).
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

import entrenous
from entrenous.server.network.host import Host
from entrenous.server.network.proxied import Balancers
from entrenous.server.store import Storage
from entrenous.server.watching.histogram import Histogram
from entrenous.server.watching.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "entrenous_"
#: What ``Exposition.text`` is, for who asks by HTTP.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ServerCollector(Collector):
    """Reads one server's figures; in any thread, and without keeping its loop waiting.

    Args:
        host: the connections and what they ask for.
        storage: the store.
        balancers: connections whose PROXY header is awaited.
        pulse: the loop's.
        bus: says whether the bus is connected; None where there is none.
    """

    def __init__(
        self, host: Host, storage: Storage, balancers: Balancers, pulse: Pulse, bus: "Callable[[], bool | None]"
    ) -> None:
        self._host = host
        self._storage = storage
        self._balancers = balancers
        self._pulse = pulse
        self._bus = bus

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from self._of_connections()
        yield from self._of_requests()
        yield from self._of_the_store()
        yield from self._of_the_process()

    def _of_connections(self) -> Iterator[Metric]:
        admission, fanout = self._host.admission, self._host.services.fanout
        handshakes, devices = admission.handshakes, fanout.devices
        states = {
            "proxy_header": len(self._balancers.waiting),
            "handshake": handshakes,
            "anonymous": max(0, admission.total - handshakes - devices),
            "device": devices,
        }
        yield _gauges("connections", "Open connections, by how far they have come.", "state", states.items())
        yield _counter("handshakes", "Handshakes that were finished.", self._host.services.activity.handshakes)
        yield _gauge("backlog_bytes", "Bytes held for connections that hold many.", self._host.holdings.total)
        yield _gauge("waiting_newcomers", "Connections that wait for their turn to begin.", len(self._host.pacer))

    def _of_requests(self) -> Iterator[Metric]:
        services = self._host.services
        activity, fanout = services.activity, services.fanout
        requests = CounterMetricFamily(
            PREFIX + "requests", "Requests answered, by kind and by what became of them.", labels=("kind", "outcome")
        )
        for kind, outcome, count in activity.requests():
            requests.add_metric((kind, outcome), count)
        yield requests
        logins = CounterMetricFamily(PREFIX + "logins", "Logins.", labels=("by", "outcome"))
        for by, outcome, count in activity.logins():
            logins.add_metric((by, outcome), count)
        yield logins
        yield _counter("deliveries", "Entries pushed, counted once for each connection.", fanout.pushed)
        reached = CounterMetricFamily(
            PREFIX + "limits_reached", "How often each limit was reached (docs/spec/delivery.md).", labels=("limit",)
        )
        for name, count in services.counters.values().items():
            reached.add_metric((name,), count)
        yield reached

    def _of_the_store(self) -> Iterator[Metric]:
        figures = self._storage.figures
        yield _gauge("store_queue", "Operations that wait for the store.", self._storage.waiting)
        yield _histogram("store_batch_size", "Operations in a batch.", figures.batch_sizes)
        yield _histogram("store_commit_seconds", "Seconds of a batch that writes.", figures.commit_seconds)
        yield _counter("store_failed_commits", "Batches of which nothing was stored.", figures.failed_commits)

    def _of_the_process(self) -> Iterator[Metric]:
        yield _histogram("loop_lag_seconds", "Seconds that the loop's beat came late.", self._pulse.lag)
        connected = self._bus()
        if connected is not None:
            yield _gauge("bus_connected", "Whether the bus to other nodes is connected.", int(connected))
        yield from self._of_other_nodes()
        build = GaugeMetricFamily(PREFIX + "build_info", "What runs.", labels=("version",))
        build.add_metric((entrenous.__version__,), 1)
        yield build

    def _of_other_nodes(self) -> Iterator[Metric]:
        counting = self._host.services.counting
        if counting is None:
            return
        sums = CounterMetricFamily(
            PREFIX + "shared_counts", "Sums that nodes count rates together by, and messages refused.", labels=("way",)
        )
        for way, count in (("told", counting.told), ("heard", counting.heard), ("refused", counting.refused)):
            sums.add_metric((way,), count)
        yield sums


class Exposition:
    """What ``/metrics`` answers. A registry of its own: nobody else's figures are in it.

    Args:
        collector: the server's figures.
    """

    def __init__(self, collector: Collector) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)
        # Memory, processor time and open files, where the system has /proc.
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The figures as they are now, in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, says, value=value)


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, says, value=value)


def _gauges(name: str, says: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, says, labels=(label,))
    for key, value in values:
        family.add_metric((key,), value)
    return family


def _histogram(name: str, says: str, figures: Histogram) -> Metric:
    return HistogramMetricFamily(PREFIX + name, says, buckets=figures.cumulative(), sum_value=figures.sum)

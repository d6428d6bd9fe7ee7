"""What watches a server that listens: the loop's pulse, and the port at which somebody may ask how it is."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from entrenous.errors import UnavailableError
from entrenous.server.configuration.settings import Settings
from entrenous.server.network.host import Host
from entrenous.server.network.proxied import Balancers
from entrenous.server.store import Storage
from entrenous.server.watching.health import Health
from entrenous.server.watching.pulse import Pulse

if TYPE_CHECKING:
    from entrenous.server.watching.monitor import Monitor

_log = structlog.get_logger(__name__)


class Watch:
    """From the listening to the end.

    Args:
        settings: where to be asked; nowhere where ``metrics_port`` is 0.
        host: the server's connections.
        storage: its store.
        balancers: its connections whose PROXY header is awaited.
        bus: says whether its bus is connected; None where there is none.

    Raises:
        UnavailableError: the address for being asked cannot be had.
    """

    def __init__(
        self,
        settings: Settings,
        host: Host,
        storage: Storage,
        balancers: Balancers,
        bus: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self.monitor: Monitor | None = None
        if not settings.metrics_port:
            return
        # Their libraries are for those who want figures.
        from entrenous.server.watching import metrics, monitor

        self._pulse = Pulse()
        collector = metrics.ServerCollector(host, storage, balancers, self._pulse, bus)
        try:
            self.monitor = monitor.Monitor(
                settings.metrics_host,
                settings.metrics_port,
                metrics=metrics.Exposition(collector).text,
                content_type=metrics.CONTENT_TYPE,
                health=Health(host, storage, self._pulse, bus).report,
            )
        except UnavailableError:
            self._pulse.stop()
            raise
        _log.info("server.metrics", host=settings.metrics_host, port=self.monitor.port)

    async def close(self) -> None:
        """Watch no more."""
        if self.monitor is not None:
            self._pulse.stop()
            await asyncio.to_thread(self.monitor.close)

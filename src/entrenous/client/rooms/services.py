"""What every room of one client works with."""

from collections.abc import Callable
from dataclasses import dataclass

from entrenous.client.environment import Environment
from entrenous.client.events import Event
from entrenous.client.message_ids import MessageIds
from entrenous.client.own_device import OwnDevice
from entrenous.client.people import People
from entrenous.client.session import Caller
from entrenous.client.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Made once per client.

    Attributes:
        caller: asks the server.
        emit: tells all front ends; called only after what the event tells of is on disk.
    """

    store: Store
    environment: Environment
    device: OwnDevice
    people: People
    caller: Caller
    ids: MessageIds
    emit: Callable[[Event], None]

    def now_ms(self) -> int:
        """Milliseconds since 1970, by this device's clock."""
        return int(self.environment.clock.now() * 1000)

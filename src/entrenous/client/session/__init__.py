"""A logged-in connection that is kept alive, and the calls made over it."""

from entrenous.client.session.backoff import Backoff
from entrenous.client.session.calls import Caller
from entrenous.client.session.connection import Connection
from entrenous.client.session.device_login import log_in_device
from entrenous.client.session.events import Connected, Disconnected, EventQueue, PushesDropped, SessionEvent
from entrenous.client.session.opening import open_connection
from entrenous.client.session.refusals import (
    BusyError,
    ConflictError,
    RefusedError,
    StaleError,
    refusal_rule,
)
from entrenous.client.session.session import LogIn, Session
from entrenous.client.session.timings import DEFAULT_TIMINGS, Timings
from entrenous.client.session.transport import Connector, TcpConnector

__all__ = [
    "DEFAULT_TIMINGS",
    "Backoff",
    "BusyError",
    "Caller",
    "ConflictError",
    "Connected",
    "Connection",
    "Connector",
    "Disconnected",
    "EventQueue",
    "LogIn",
    "PushesDropped",
    "RefusedError",
    "Session",
    "SessionEvent",
    "StaleError",
    "TcpConnector",
    "Timings",
    "log_in_device",
    "open_connection",
    "refusal_rule",
]

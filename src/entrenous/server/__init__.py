"""The service: sessions, accounts, room logs and fan-out. It stores and orders ciphertext."""

from entrenous.server.app import Server
from entrenous.server.clock import Clock, SystemClock
from entrenous.server.limits import Limits, Rate
from entrenous.server.limits import meanings as limit_meanings
from entrenous.server.limits_file import read_limits
from entrenous.server.settings import Settings

__all__ = ["Clock", "Limits", "Rate", "Server", "Settings", "SystemClock", "limit_meanings", "read_limits"]

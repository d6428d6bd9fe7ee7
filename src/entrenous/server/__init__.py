"""The service: sessions, accounts, room logs and fan-out. It stores and orders ciphertext."""

from entrenous.server.app import Server
from entrenous.server.clock import Clock, SystemClock
from entrenous.server.settings import Limits, Rate, Settings

__all__ = ["Clock", "Limits", "Rate", "Server", "Settings", "SystemClock"]

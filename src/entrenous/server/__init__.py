"""The service: sessions, accounts, room logs and fan-out. It stores and orders ciphertext."""

from entrenous.server.app import Server
from entrenous.server.clock import Clock, SystemClock
from entrenous.server.configuration.limits import Limits, Rate
from entrenous.server.configuration.limits import meanings as limit_meanings
from entrenous.server.configuration.settings import Settings
from entrenous.server.configuration.settings_file import Found
from entrenous.server.configuration.settings_shown import Shown, example_file, shown_settings
from entrenous.server.configuration.settings_sources import Effective, Sources, load_settings, parse_flag
from entrenous.server.serving_lock import serving
from entrenous.server.watching.supervisor import Supervisor

__all__ = [
    "Clock",
    "Effective",
    "Found",
    "Limits",
    "Rate",
    "Server",
    "Settings",
    "Shown",
    "Sources",
    "Supervisor",
    "SystemClock",
    "example_file",
    "limit_meanings",
    "load_settings",
    "parse_flag",
    "serving",
    "shown_settings",
]

"""Logs: one structured line for each thing that happened, on standard error, and the Trace that joins them.

Secrets never reach a log: a derivation is shown by its name and a fingerprint of its value. An unexpected error is
shown by its type and its place, without its words: they may be somebody's.
"""

import enum
import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from entrenous.errors import EntrenousError
from entrenous.trace import SILENT, Field, Trace, fingerprint

#: Of an error: how many others that led to it are shown, and how many places of each.
_CHAIN, _FRAMES = 4, 12


class LogLevel(enum.StrEnum):
    """How much is told."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(enum.StrEnum):
    """Lines for people, or one JSON object a line."""

    CONSOLE = "console"
    JSON = "json"


def log_trace(component: str) -> Trace:
    """A Trace into the log as it is configured; where no debug line is shown, one that costs nothing."""
    log = structlog.get_logger().bind(component=component)
    return _LogTrace(log) if log.is_enabled_for(logging.DEBUG) else SILENT


class _LogTrace:
    """Shows each derivation and step of the silent layers as one debug line."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        self._log = log

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Log a derivation by its name, its inputs' names, its size in bytes and a fingerprint."""
        self._log.debug(
            "derived", name=name, inputs=",".join(inputs), fingerprint=fingerprint(secret), size=len(secret)
        )

    def step(self, name: str, **fields: Field) -> None:
        """Log a step."""
        self._log.debug(name, **fields)


def configure(level: LogLevel, form: LogFormat, stream: TextIO | None = None) -> None:
    """Send everything that is logged at ``level`` or above to ``stream`` (standard error unless said otherwise)."""
    renderer = _console if form is LogFormat.CONSOLE else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _place_of_error,
            _hex_bytes,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def _hex_bytes(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Ids are bytes in the program and short hexadecimal in a log."""
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = value.hex()[:16]
    return fields


def _place_of_error(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as one line: what it is and where it came from. Words are shown of our own errors alone."""
    info = fields.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    told: list[str] = []
    while error is not None and len(told) < _CHAIN:
        words = f": {error}" if isinstance(error, EntrenousError) else ""
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        told.append(f"{type(error).__name__}{words} at {places or 'no place'}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if told:
        fields["exception"] = "; after ".join(told)
    return fields


def _console(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> str:
    """``10:21:07.123 debug   noise.token  token=ee direction=read``."""
    time, level, event = (str(fields.pop(name, "")) for name in ("timestamp", "level", "event"))
    rest = " ".join(f"{name}={_quoted(str(value))}" for name, value in fields.items() if value not in ("", None))
    return f"{time[11:23]} {level:<7} {event:<28} {rest}".rstrip()


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text

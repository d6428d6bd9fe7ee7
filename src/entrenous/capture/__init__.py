"""Recordings of our own traffic: the key log that opens them, and what a capture shows with and without it."""

from entrenous.capture.keylog import HEADER, KeyLog, KeyLogTrace, read_key_log
from entrenous.capture.report import ConnectionRow, FrameRow, MessageRow, Report, Summary
from entrenous.capture.rooms import Said

__all__ = [
    "HEADER",
    "ConnectionRow",
    "FrameRow",
    "KeyLog",
    "KeyLogTrace",
    "MessageRow",
    "Report",
    "Said",
    "Summary",
    "read_key_log",
]

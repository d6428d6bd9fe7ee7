"""Logs show fingerprints, never secrets."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from entrenous.cli.logs import LogFormat, LogLevel, configure, log_trace
from entrenous.trace import SILENT, fingerprint

SECRET = bytes(range(32))


@pytest.fixture(autouse=True)
def restore_defaults() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_derivation_is_one_line_with_a_fingerprint_and_without_the_secret(form: LogFormat) -> None:
    stream = io.StringIO()
    configure(LogLevel.DEBUG, form, stream)
    log_trace("server").derived("ck", SECRET, "ck", "ee")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert fingerprint(SECRET) in line
    assert SECRET.hex() not in line
    assert "ck,ee" in line


def test_json_lines_are_json_and_ids_are_short() -> None:
    stream = io.StringIO()
    configure(LogLevel.DEBUG, LogFormat.JSON, stream)
    log_trace("client").step("channel.record", length=40)
    structlog.get_logger().info("published", room=bytes(16))
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["length"], first["component"]) == ("channel.record", 40, "client")
    assert second["room"] == "0" * 16


def test_info_hides_derivations() -> None:
    stream = io.StringIO()
    configure(LogLevel.INFO, LogFormat.CONSOLE, stream)
    trace = log_trace("server")
    trace.derived("ck", SECRET)
    assert stream.getvalue() == ""
    assert trace is SILENT

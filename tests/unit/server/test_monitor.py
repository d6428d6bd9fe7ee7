"""/metrics and /healthz over HTTP, and what health is: asked from outside of the loop, as a supervisor does."""

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from entrenous.crypto import system_entropy
from entrenous.errors import UnavailableError
from entrenous.server import Server, Settings, SystemClock
from entrenous.server.watching.health import Health, Report
from entrenous.server.watching.monitor import Monitor
from entrenous.server.watching.pulse import Pulse
from entrenous.testing import FAST_KSF

#: Ports that are tried for a server: one that is free now may be taken in a moment.
TRIES = 20


def get(port: int, path: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def monitor(report: Report) -> Monitor:
    return Monitor("127.0.0.1", 0, metrics=lambda: b"figures 1\n", content_type="text/figures", health=lambda: report)


def test_two_questions_are_answered_and_no_others() -> None:
    with closing(monitor(Report(()))) as server:
        assert get(server.port, "/metrics") == (200, "text/figures", "figures 1\n")
        status, kind, body = get(server.port, "/healthz?verbose")
        assert (status, kind) == (200, "application/json")
        assert json.loads(body)["status"] == "ok"
        assert get(server.port, "/")[0] == 404


def test_what_is_wrong_is_said_with_503() -> None:
    with closing(monitor(Report(("the disk is full",), ("and it rains",)))) as server:
        status, _, body = get(server.port, "/healthz")
        told = json.loads(body)
        assert status == 503
        assert (told["status"], told["problems"], told["remarks"]) == (
            "failing",
            ["the disk is full"],
            ["and it rains"],
        )


@pytest.mark.parametrize("said", [b"", b"\xff\xfe\r\n\r\n", b"POST /metrics HTTP/1.1\r\n\r\n", b"GET\r\n\r\n"])
def test_who_asks_for_nothing_that_there_is_does_no_harm(said: bytes) -> None:
    with closing(monitor(Report(()))) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(said)
        assert get(server.port, "/metrics")[0] == 200


def test_a_port_that_is_taken_is_told() -> None:
    with closing(monitor(Report(()))) as first, pytest.raises(UnavailableError, match="for metrics"):
        Monitor("127.0.0.1", first.port, metrics=bytes, content_type="", health=lambda: Report(()))


@asynccontextmanager
async def opened(path: Path, metrics_port: int = 0) -> AsyncIterator[Server]:
    settings = Settings(data_dir=path, host="127.0.0.1", port=0, ksf=FAST_KSF, metrics_port=metrics_port)
    server = await Server.open(settings, clock=SystemClock(), entropy=system_entropy)
    try:
        yield server
    finally:
        await server.close()


def health_of(server: Server, pulse: Pulse, bus: bool | None = None, patience: float = 30.0) -> Health:
    return Health(server._host, server.storage, pulse, lambda: bus, patience=patience)


async def test_a_server_that_works_is_healthy_and_one_that_ends_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        pulse = Pulse()
        assert await asyncio.to_thread(health_of(server, pulse).report) == Report(())
        alone = await asyncio.to_thread(health_of(server, pulse, bus=False).report)
        assert alone.is_healthy
        assert "bus is not connected" in alone.remarks[0]
        server._host.closing = True
        ending = await asyncio.to_thread(health_of(server, pulse).report)
        assert ending.problems == ("the server is going down",)
        pulse.stop()


async def test_a_loop_that_stands_still_is_told_without_asking_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        late = 0.0
        pulse = Pulse(lambda: time.monotonic() + late)
        health = health_of(server, pulse)
        late = 60.0
        # In the loop's own thread: it stands still meanwhile, and is not needed.
        report = health.report()
        assert not report.is_healthy
        assert "the loop has not turned for 6" in report.problems[0]
        pulse.stop()


async def test_a_store_that_does_not_answer_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        pulse, go_on = Pulse(), threading.Event()
        stuck = server.storage.read(lambda tx: go_on.wait() and None)
        report = await asyncio.to_thread(health_of(server, pulse, patience=0.05).report)
        assert report.problems == ("the store has not answered within 0.05 seconds",)
        go_on.set()
        await stuck
        assert (await asyncio.to_thread(health_of(server, pulse).report)).is_healthy
        pulse.stop()
        await server.storage.close()
        closed = await asyncio.to_thread(health_of(server, pulse).report)
        assert closed.problems == ("the store does not answer: the store is closed",)


async def test_a_commit_that_failed_is_told_until_one_succeeds(tmp_path: Path) -> None:
    async with opened(tmp_path) as server:
        pulse = Pulse()
        health = health_of(server, pulse)

        def lose(tx: object) -> None:
            raise UnavailableError("the disk is full")

        with pytest.raises(UnavailableError):
            await server.storage.write(lose)
        assert (await asyncio.to_thread(health.report)).problems == ("the last commit to the store failed",)
        assert server.storage.figures.failed_commits == 1
        await server.storage.write(lambda tx: None)
        assert (await asyncio.to_thread(health.report)).is_healthy
        pulse.stop()


async def test_a_server_that_listens_can_be_asked_until_it_has_ended(tmp_path: Path) -> None:
    for _ in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        async with opened(tmp_path, metrics_port=port) as server:
            try:
                await server.listen()
            except UnavailableError:
                continue
            status, kind, text = await asyncio.to_thread(get, port, "/metrics")
            assert (status, kind.partition(";")[0]) == (200, "text/plain")
            assert "entrenous_build_info" in text
            assert (await asyncio.to_thread(get, port, "/healthz"))[0] == 200
        with pytest.raises(urllib.error.URLError):
            await asyncio.to_thread(get, port, "/metrics")
        return
    pytest.fail("every port that was free was taken a moment later")


async def test_a_server_whose_port_for_figures_is_taken_does_not_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with opened(tmp_path, metrics_port=taken.getsockname()[1]) as server:
            with pytest.raises(UnavailableError, match="for metrics"):
                await server.listen()

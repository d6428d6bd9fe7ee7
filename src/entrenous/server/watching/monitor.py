"""``/metrics`` and ``/healthz``: a small HTTP server in a thread of its own, which can tell when the loop is not well.

It answers one request at a time, and gives each a few seconds: for a scraper and a supervisor on the same machine.
"""

import json
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer

from entrenous.errors import UnavailableError
from entrenous.server.watching.health import Report

#: Seconds that a client may leave us waiting for its request, or for taking the answer.
PATIENCE = 5.0
#: Seconds between two looks whether to end.
_LOOK_EVERY = 0.1
_JSON, _TEXT = "application/json", "text/plain; charset=utf-8"


class Monitor:
    """Listens from its making to ``close``.

    Args:
        host: the interface.
        port: the port; 0 takes a free one.
        metrics: makes the text of ``/metrics``.
        content_type: what that text is.
        health: makes the report of ``/healthz``.

    Raises:
        UnavailableError: the address cannot be had.
    """

    def __init__(
        self, host: str, port: int, *, metrics: Callable[[], bytes], content_type: str, health: Callable[[], Report]
    ) -> None:
        try:
            self._server = _Server(host, port, _handler(metrics, content_type, health))
        except OSError as error:
            raise UnavailableError(
                f"cannot listen on {host}, port {port}, for metrics: {error.strerror or error}",
                remedy="Choose another metrics_port.",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_EVERY,), name="monitor", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """End it, within ``PATIENCE`` seconds. Not for the thread that a report needs."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(TCPServer):
    allow_reuse_address = True

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up early is no news."""


def _handler(
    metrics: Callable[[], bytes], content_type: str, health: Callable[[], Report]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers two questions."""

        timeout = PATIENCE
        server_version, sys_version = "entrenous", ""

        def do_GET(self) -> None:
            """A question."""
            match self.path.partition("?")[0]:
                case "/metrics":
                    self._answer(HTTPStatus.OK, content_type, metrics())
                case "/healthz":
                    report = health()
                    status = HTTPStatus.OK if report.is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
                    self._answer(status, _JSON, _as_json(report))
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics and /healthz\n")

        def log_message(self, *_: object) -> None:
            """Nothing: a probe every few seconds is no news."""

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _as_json(report: Report) -> bytes:
    told = {
        "status": "ok" if report.is_healthy else "failing",
        "problems": report.problems,
        "remarks": report.remarks,
        "version": report.version,
    }
    return json.dumps(told).encode() + b"\n"

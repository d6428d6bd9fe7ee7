"""A private NATS for tests: the system's binary, a free port of the loopback interface."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from postgres import PATIENCE, ended_with_us, free_port, need


class PrivateNats:
    """One instance. It holds nothing, so ``stop`` and ``start`` lose nothing but connections."""

    def __init__(self, folder: Path, configuration: str = "") -> None:
        self._file = folder / "nats.conf"
        self._file.write_text(configuration)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        need(*(name for name in ("nats-server", "setpriv") if shutil.which(name) is None))
        command = ("nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-c", str(self._file))
        self._process = subprocess.Popen(ended_with_us(*command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        self.stop()
        raise AssertionError("NATS did not start")

    def stop(self) -> None:
        """End it at once. Stopping twice is stopping once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE)


@contextlib.contextmanager
def private_nats(configuration: str = "") -> Iterator[PrivateNats]:
    """An instance that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="entrenous-nats-") as name:
        instance = PrivateNats(Path(name), configuration)
        try:
            instance.start()
            yield instance
        finally:
            instance.stop()

"""What was measured, as a table for people or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.bench.server.meter import Figures

#: How a figure is shown: its heading, and its digits behind the point.
_SHOWN = {
    "messages": ("messages", 0),
    "deliveries": ("deliveries", 0),
    "connections": ("connections", 0),
    "server_us_per_delivery": ("server µs/delivery", 2),
    "server_us_per_message": ("server µs/message", 1),
    "server_ms_per_handshake": ("server ms/handshake", 2),
    "server_ms_per_login": ("server ms/login", 2),
    "deliveries_per_s": ("deliveries/s", 0),
    "publishes_per_s": ("publishes/s", 0),
    "accepted_per_s": ("accepted/s", 0),
    "drained_per_s": ("drained/s", 0),
    "handshakes_per_s": ("handshakes/s", 0),
    "logins_per_s": ("logins/s", 0),
    "kib_per_connection": ("KiB/connection", 1),
    "p50_ms": ("p50 ms", 1),
    "p99_ms": ("p99 ms", 1),
    "server_cores": ("server cores", 2),
    "clients_cores": ("clients cores", 2),
    "ready_s": ("ready s", 2),
    "ready_cpu_s": ("of processor", 2),
    "idle_mib": ("idle MiB", 1),
}


@dataclass(frozen=True, slots=True)
class Result:
    """One phase of one workload."""

    workload: str
    phase: str
    figures: Figures

    def sentence(self) -> str:
        """One line for people."""
        told = [
            f"{heading} {self.figures[name]:,.{digits}f}"
            for name, (heading, digits) in _SHOWN.items()
            if name in self.figures
        ]
        return f"{self.workload:12} {self.phase:16} " + "  ".join(told)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"workload": self.workload, "phase": self.phase, **self.figures})


def table(results: Sequence[Result]) -> list[str]:
    """A table with one line a phase; phases with the same figures stand together under one heading."""
    lines: list[str] = []
    shown: list[str] = []
    for result in results:
        names = [name for name in _SHOWN if name in result.figures]
        if names != shown:
            shown = names
            lines += ["", "  ".join([f"{'':30}", *(_SHOWN[name][0] for name in names)])]
        cells = [f"{result.figures[name]:{len(_SHOWN[name][0])},.{_SHOWN[name][1]}f}" for name in names]
        lines.append("  ".join([f"{result.workload:13} {result.phase:16}", *cells]))
    return lines[1:]

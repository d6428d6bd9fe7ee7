"""Runs the models in ProVerif, and knows what is kept of its answers: of which sources, with which results."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from formal.maude import FORMAL

SOURCES = FORMAL / "proverif"
RESULTS = FORMAL / "results"
#: Seconds of patience for one file.
PATIENCE = 7200

_RESULT = re.compile(r"^RESULT (.+) (is true|is false|cannot be proved)\.$", re.MULTILINE)
#: A query's result, and the steps of the trace that speaks against it.
_WORTH_KEEPING = re.compile(
    r"^(RESULT [^\n]+)$|set traceDisplay = long\.\n(.+?^A trace has been found\.$)", re.MULTILINE | re.DOTALL
)
_WIDTH = 240


@dataclass(frozen=True)
class Run:
    """One file, run with libraries.

    Attributes:
        name: of the file that keeps the answer.
        file: with the queries and the process.
        libraries: in their order.
        expected: for each query whether it is to hold; one that does not is an attack or, where it is asked, a way.
            None is an equivalence that is not to be proved.
    """

    name: str
    file: str
    libraries: tuple[str, ...]
    expected: tuple[bool | None, ...]

    @property
    def kept(self) -> Path:
        """Where the answer is."""
        return RESULTS / f"{self.name}-proverif.txt"

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files, the queries' last."""
        return (*(SOURCES / f"{library}.pvl" for library in self.libraries), SOURCES / f"{self.file}.pv")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the sources, one after the other: what a kept answer is an answer to."""
        return hashlib.sha256(b"".join(path.read_bytes() for path in self.sources)).hexdigest()


def _login(name: str, file: str, *expected: bool, signed: str = "login-bound", suites: str) -> Run:
    return Run(name, file, ("primitives", "channel", signed, "device-login", suites), expected)


def _password(name: str, *expected: bool, context: str) -> Run:
    return Run(name, "password-login", ("primitives", context, "opaque"), expected)


def _hiding(name: str, expected: bool | None, *, judges: str) -> Run:
    return Run(name, "hiding", ("primitives", "channel", "login-bound", judges), (expected,))


#: Every run. Where a query is expected not to hold, ProVerif is to find the attack, or the way that there should be.
RUNS = (
    _login("reachable-hybrid", "reachable", False, False, suites="suites-hybrid"),
    _login("reachable-classic", "reachable", False, False, suites="suites-classic"),
    _login("authentication-hybrid", "authentication", True, True, True, True, suites="suites-hybrid"),
    _login("authentication-classic", "authentication", True, True, True, True, suites="suites-classic"),
    _login("secrecy-hybrid", "secrecy-hybrid", True, True, suites="suites-hybrid"),
    _login("secrecy-classic", "secrecy-classic", True, True, False, suites="suites-classic"),
    _login("relay-as-specified", "relay", True, True, suites="suites-classic"),
    _login("relay-without-hash", "relay", False, True, suites="suites-classic", signed="login-without-hash"),
    _login(
        "relay-without-hash-and-server",
        "relay",
        *(False, False),
        suites="suites-classic",
        signed="login-without-hash-and-server",
    ),
    _password("password-as-specified", False, True, True, context="context-bound"),
    _password("password-without-hash", False, False, True, context="context-without-hash"),
    _hiding("hiding-as-specified", True, judges="judges-server"),
    _hiding("hiding-without-judging", None, judges="judges-nobody"),
)


def is_installed() -> bool:
    return shutil.which("proverif") is not None


def ask(one: Run) -> str:
    """Run ProVerif; returns what is to be kept: each query's result and each trace, of which sources.

    Raises:
        RuntimeError: ProVerif did not take the files.
        subprocess.TimeoutExpired: it has found no end.
    """
    libraries = [word for path in one.sources[:-1] for word in ("-lib", path.name)]
    command = ("proverif", *libraries, one.sources[-1].name)
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise RuntimeError(f"ProVerif ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    return kept_form(one, done.stdout)


def kept_form(one: Run, output: str) -> str:
    """What is kept of ProVerif's output. Long lines are cut, so that the traces can be read."""
    libraries = " ".join(f"-lib {path.name}" for path in one.sources[:-1])
    head = [f"$ proverif {libraries} {one.sources[-1].name}", version(), f"sources: {one.fingerprint}"]
    parts = [match[1] or match[2] for match in _WORTH_KEEPING.finditer(output)]
    lines = [
        line if len(line) <= _WIDTH or line.startswith("RESULT") else f"{line[:_WIDTH]} ..."
        for part in parts
        for line in part.strip().splitlines()
    ]
    return "\n".join([*head, "", *lines, ""])


def verdicts(answer: str) -> list[tuple[str, bool | None]]:
    """Each query of an answer, and whether it holds; None where ProVerif can neither prove it nor find an attack."""
    meaning = {"is true": True, "is false": False}
    return [(query, meaning.get(verdict)) for query, verdict in _RESULT.findall(answer)]


def version() -> str:
    """Of the ProVerif that is installed."""
    shown = subprocess.run(("proverif", "--help"), capture_output=True, text=True, timeout=60).stdout
    return shown.partition(". ")[0]

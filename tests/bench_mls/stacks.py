"""The stacks that are measured, and the process that each of them runs in."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: The suites of RFC 9420 and of the post-quantum drafts, as the table calls them.
CLASSIC, POST_QUANTUM = "suite 1", "post-quantum"


@dataclass(frozen=True, eq=False)
class Stack:
    """One implementation.

    Attributes:
        name: as the table shows it.
        worker: of the process: a stack of ``bench_mls.worker``, or None for the Node program.
        suites: the number of its suite, by what the table calls it.
        commits_by_removing: whether it has no call that only renews keys, so that its Commit with a path removes one.
        lonely: suites that nobody else speaks, so that all members of a group must be its own.
        in_clear: whether its Commits are PublicMessages, at least on request.
    """

    name: str
    worker: str | None
    suites: Mapping[str, int]
    commits_by_removing: bool = False
    lonely: frozenset[str] = field(default_factory=frozenset)
    in_clear: bool = True


OURS = Stack("ours", "ours", {CLASSIC: 0x0001, POST_QUANTUM: 0xF0E2})
TS_MLS = Stack("ts-mls", None, {CLASSIC: 0x0001, POST_QUANTUM: 0x0053})
AGENTVAULT = Stack("mls-rs (agentvault)", "agentvault", {CLASSIC: 0x0001})
RINE = Stack(
    "mls-rs (rine)",
    "rine",
    {CLASSIC: 0x0001, POST_QUANTUM: 0xF057},
    commits_by_removing=True,
    lonely=frozenset({POST_QUANTUM}),
    in_clear=False,
)
STACKS = (OURS, TS_MLS, AGENTVAULT, RINE)
#: The two wheels of mls-rs, against which we measure ourselves.
WHEELS = (AGENTVAULT, RINE)


@dataclass(frozen=True)
class Answer:
    """What a call gave, and the seconds of processor time that it took."""

    result: Any
    cpu: float


class RefusedError(Exception):
    """What a stack refuses, in its words."""


class Running:
    """The process of a stack."""

    def __init__(self, stack: Stack, node_program: list[str]) -> None:
        self.stack = stack
        own = [sys.executable, "-m", "bench_mls.worker", str(stack.worker)]
        self._process = subprocess.Popen(
            node_program if stack.worker is None else own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def ask(self, member: str, call: str, **arguments: Any) -> Answer:
        """One call of a member's.

        Raises:
            RefusedError: the stack does not do it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self.stack.worker is None:
            arguments, call = _for_node(call, arguments)
        self._process.stdin.write(json.dumps({"member": member, "call": call, **arguments}) + "\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        if "error" in reply:
            raise RefusedError(reply["error"])
        return Answer(reply["result"], reply["cpu"])

    def memory(self) -> int | None:
        """The most memory, in bytes, that the process has had so far; None outside of Linux."""
        status = Path("/proc", str(self._process.pid), "status")
        if not status.exists():
            return None
        lines = (line.split() for line in status.read_text().splitlines())
        return next(int(words[1]) * 1024 for words in lines if words[0] == "VmHWM:")

    def close(self) -> None:
        """End of input ends the program."""
        self._process.communicate()


def _for_node(call: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The Node program has one call for all that is received, and more options."""
    match call:
        case "follow" | "read":
            return arguments, "process"
        case "join":
            return {**arguments, "tree": None}, call
        case "commit":
            return {**arguments, "asPublic": False, "treeInWelcome": True}, call
    return arguments, call

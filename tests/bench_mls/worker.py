"""A process with members on one Python stack, which measures what each call costs it.

It speaks as ``interop/ts_mls/peer.mjs`` does: each line on stdin is a request in JSON, each line on stdout its answer,
with the seconds of processor time that the call itself took.

    python -m bench_mls.worker ours|agentvault|rine
"""

import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_mls.drivers import Agentvault, Driver, Ours, Rine

Make = Callable[[str, int], Driver]


def makers(folder: Path) -> dict[str, Make]:
    """How to make a member of each stack, given a name and a suite."""
    return {
        "ours": Ours,
        "agentvault": lambda name, _suite: Agentvault(name),
        "rine": lambda name, suite: Rine(folder / name, suite),
    }


class Worker:
    """The members of one stack, by their names."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._members: dict[str, Driver] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One call: its result and its price, or why it failed."""
        try:
            return self._call(**request)
        except Exception as error:  # noqa: BLE001 each library has its own; the one who asked reads it
            return {"error": f"{type(error).__name__}: {error}"}

    def _call(self, member: str, call: str, **arguments: Any) -> dict[str, Any]:
        if call == "member":
            self._members[member] = self._make(member, arguments["suite"])
            return {"result": None, "cpu": 0.0}
        step = _step(self._members[member], call, arguments)
        begin = time.process_time()
        made = step()
        took = time.process_time() - begin
        return {"result": _shown(made), "cpu": took}


def _step(member: Driver, call: str, arguments: dict[str, Any]) -> Callable[[], Any]:
    """What is to be measured, its arguments read."""
    match call, arguments:
        case "keyPackage", {}:
            return member.key_package
        case "create", {"groupId": value}:
            return functools.partial(member.create, bytes.fromhex(value))
        case "join", {"welcome": value}:
            return functools.partial(member.join, bytes.fromhex(value))
        case "commit", _:
            add = [bytes.fromhex(message) for message in arguments.get("add", ())]
            as_public = arguments.get("asPublic", False)
            return functools.partial(member.commit, add, arguments.get("remove", []), as_public=as_public)
        case "follow", {"message": value}:
            return functools.partial(member.follow, bytes.fromhex(value))
        case "read", {"message": value}:
            return functools.partial(member.read, bytes.fromhex(value))
        case "protect", {"data": value}:
            return functools.partial(member.protect, bytes.fromhex(value))
    raise ValueError(f"no such call: {call}")


def _shown(made: Any) -> Any:
    """A result as JSON has it. Of the Welcomes, one for all or one for each, it shows the last newcomer's."""
    if isinstance(made, bytes):
        return made.hex()
    if made is None:
        return None
    commit, welcomes = made
    welcome = welcomes[-1].hex() if welcomes else None
    return {"commit": commit.hex(), "welcome": welcome, "welcomeSize": sum(len(one) for one in welcomes)}


def main(stack: str) -> None:
    """Answer until the input ends."""
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(makers(Path(folder))[stack])
        for line in sys.stdin:
            sys.stdout.write(json.dumps(worker.answer(json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

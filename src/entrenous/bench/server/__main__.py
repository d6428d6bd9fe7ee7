"""What a server costs and how fast it is. See docs/benchmarks/server.md."""

import argparse
import asyncio
import contextlib
import logging
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from entrenous.bench.server.measuring import measure
from entrenous.bench.server.private import FILES, allow_files
from entrenous.bench.server.profile import folded, read_profile, shares
from entrenous.bench.server.report import Result, table
from entrenous.bench.server.workloads import WORKLOADS, Workload
from entrenous.errors import EntrenousError

_EXAMPLES = """examples:
  entrenous bench server                              everything: some five minutes
  entrenous bench server room-500 --seconds 10        one workload, longer
  entrenous bench server idle-2000 logins --json      two, as JSON lines
  entrenous bench server rooms-100x5 --profile where  and where the server's time goes
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="entrenous bench server",
        description="Start a private server, drive it over real channels from another process, and tell what it costs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each phase in rooms (default 5)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each workload is measured (default 1)")
    parser.add_argument("--messages", type=int, help="how many messages are kept for those who are away")
    parser.add_argument("--folder", type=Path, help="where the server's data are meanwhile (default: the system's)")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="note where the server's time goes, which costs some"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for each phase")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.workloads) - set(names)
    if unknown:
        parser.error(f"there is no workload {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return chosen


async def _told(phases: AsyncGenerator[Result, None]) -> AsyncIterator[Result]:
    """The same, each told as it comes."""
    async with contextlib.aclosing(phases):
        async for result in phases:
            _note(result.sentence())
            yield result


@contextlib.contextmanager
def _samples(profile: Path | None) -> Iterator[Path | None]:
    """Where a server notes what it spends its time with, if a profile is asked for."""
    if profile is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "samples"


def _tell_profile(profile: Path | None, samples: Path | None, measured: Sequence[Result]) -> None:
    """Tell the largest shares of each phase, and keep all of them."""
    if profile is None or samples is None:
        return
    with profile.open("a") as file:
        for phase, stacks in read_profile(samples, [result.phase for result in measured]):
            name = measured[0].workload
            heading = f"{name}, {phase}: {stacks.total()} samples; in a function itself, and with what it called"
            _note("\n".join([heading, *shares(stacks)]))
            file.write(folded(name, phase, stacks))


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


async def run(workloads: Sequence[Workload], chosen: argparse.Namespace) -> None:
    """Measure, and tell each phase as it ends, and all of them as a table."""
    results: list[Result] = []
    for workload in workloads:
        for number in range(chosen.rounds):
            _note(f"{workload.name}, round {number + 1} of {chosen.rounds}: starting a server ...")
            with _samples(chosen.profile) as samples:
                measured = [result async for result in _told(measure(workload, chosen.seconds, chosen.folder, samples))]
                _tell_profile(chosen.profile, samples, measured)
            results += measured
    if chosen.json:
        sys.stdout.write("".join(result.to_json() + "\n" for result in results))
    else:
        sys.stdout.write("\n".join(table(results)) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; returns its exit code."""
    chosen = parse(arguments)
    workloads = [workload for workload in WORKLOADS if not chosen.workloads or workload.name in chosen.workloads]
    if chosen.messages is not None:
        workloads = [replace(workload, messages=chosen.messages) for workload in workloads]
    # Preparing a store logs what a server logs, and standard output is for results.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    files = allow_files()
    if files < FILES:
        _note(f"only {files} files may be open: raise `ulimit -n` to {FILES} for workloads with so many clients")
    try:
        asyncio.run(run(workloads, chosen))
    except EntrenousError as error:
        _note(f"failed: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fuzz all targets, one after the other: ``make fuzz SECONDS=20``, or with names, ``TARGETS="mls-welcome identity"``.

Each target has a folder below ``build/fuzz``: its corpus, which later runs go on with, and ``findings``. A finding is
one input: put it below ``tests/fuzz/cases`` under the target's name, see it fail in ``test_cases.py``, and mend the
product.
"""

import argparse
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz.registry import TARGETS
from fuzz.target import Target

HERE = Path(__file__).parent
WORK = HERE.parent.parent / "build" / "fuzz"
#: Seconds that one input may take, and megabytes that the process may have, before that is a finding.
TIMEOUT, MEGABYTES = 10, 1024
#: Seconds that a worker may take longer than it was given, to start and to end.
GRACE = 600

_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_SEEN = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass(frozen=True)
class Result:
    """What one target's worker told.

    Attributes:
        coverage: places of the product's bytecode reached.
        findings: inputs that it failed on.
    """

    target: str
    runs: int
    seconds: int
    coverage: int
    corpus: int
    findings: tuple[Path, ...]

    def __str__(self) -> str:
        rate = self.runs / self.seconds
        line = (
            f"{self.target:<32}{self.runs:>9} runs{rate:>8.0f}/s{self.coverage:>7} places{self.corpus:>6} inputs kept"
        )
        return "\n".join([line, *(f"    FINDING {path}" for path in self.findings), ""])


def main() -> None:
    """See the module."""
    if sys.platform != "linux":
        sys.exit("fuzzing needs Linux: Atheris, which measures coverage, is made for it")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("targets", nargs="*", help=f"some of: {' '.join(TARGETS)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets).difference(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    results = []
    for name in arguments.targets or TARGETS:
        results.append(fuzz(TARGETS[name], arguments.seconds))
        sys.stdout.write(str(results[-1]))
        sys.stdout.flush()
    findings = sum(len(result.findings) for result in results)
    sys.stdout.write(f"{len(results)} targets, {sum(result.runs for result in results)} runs, {findings} findings\n")
    sys.exit(findings > 0)


def fuzz(target: Target, seconds: int) -> Result:
    """Run one target's worker and read what it says."""
    folder = WORK / target.name
    corpus, findings = folder / "corpus", folder / "findings"
    for path in (corpus, findings):
        path.mkdir(parents=True, exist_ok=True)
    for seed in (*target.seeds(), *cases(target.name)):
        (corpus / hashlib.sha256(seed).hexdigest()[:32]).write_bytes(seed)
    known = set(findings.iterdir())
    log = folder / "log"
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={TIMEOUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={findings}/",
        "-len_control=0",
        "-print_final_stats=1",
        "-close_fd_mask=1",
    )
    command = [sys.executable, "-m", "fuzz.worker", target.name, str(corpus), *options]
    with log.open("wb") as output:
        ended = subprocess.run(command, cwd=HERE.parent, stderr=output, timeout=seconds + GRACE, check=False).returncode
    return _result(target.name, seconds, log, ended, sorted(set(findings.iterdir()) - known))


def cases(name: str) -> list[bytes]:
    """The former findings of a target."""
    return [path.read_bytes() for path in sorted((HERE / "cases" / name).glob("*"))]


def _result(name: str, seconds: int, log: Path, ended: int, found: list[Path]) -> Result:
    text = log.read_text(errors="replace")
    runs, seen = _RUNS.search(text), _SEEN.findall(text)
    if runs is None or not seen or (ended and not found):
        sys.exit(f"{name}: the worker ended with {ended} and without saying what it found; see {log}")
    coverage, _, corpus = (int(number) for number in seen[-1])
    return Result(name, int(runs[1]), seconds, coverage, corpus, tuple(found))


if __name__ == "__main__":
    main()

"""Where the server's time went: what its sampler has counted, by phase, for people and for flame graphs."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

#: Functions that are told of one phase.
_TOP = 12


def read_profile(file: Path, phases: Sequence[str]) -> list[tuple[str, Counter[str]]]:
    """What a sampler has written: each phase's stacks and how often each was met."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [(phase, Counter(json.loads(line))) for phase, line in zip(phases, lines, strict=False)]


def folded(workload: str, phase: str, stacks: Counter[str]) -> str:
    """The stacks as flame graphs' tools read them: the frames, a space, the count."""
    return "".join(f"{workload};{phase};{stack} {count}\n" for stack, count in sorted(stacks.items()))


def shares(stacks: Counter[str]) -> list[str]:
    """The functions in which most of a phase's samples were met, a line each: in itself, with what it called."""
    total = max(1, stacks.total())
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stack, count in stacks.items():
        thread, *frames = stack.split(";")
        own[f"{frames[-1] if frames else '?'} ({thread})"] += count
        for frame in set(frames):
            whole[f"{frame} ({thread})"] += count
    return [f"{count / total:6.1%} {whole[name] / total:6.1%}  {name}" for name, count in own.most_common(_TOP)]

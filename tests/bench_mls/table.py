"""The table as it is printed: one line a row, one column a stack, our floor beside ours."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench_mls.rows import Row, Unit
from bench_mls.stacks import OURS, STACKS, WHEELS, Stack

#: What stands where a stack has no figure; the notes say why.
NONE = "–"

_NOTES = """\
ms: processor time of the call, bytes in and bytes out, the least of all rounds. floor: what the primitives of our call
cost, called alone. of wheel: ours as a part of the faster wheel's. Adds go without a path, as all stacks make them.
Post-quantum is X-Wing with AES-256-GCM and Ed25519 in each stack's own suite, of which no two have the same number.
With two members every tree is filled by the first Commit. Why a figure is missing:
- mls-rs (agentvault) offers suite 1 only. Its handshakes are PublicMessages.
- mls-rs (rine) has no call that only renews keys, so its Commit with a path removes a member; two cannot do that.
  Nobody else speaks its X-Wing, so nobody can make it a filled tree, and all others live in its own process, which
  shows in its memory. It writes to its disk as it goes, and makes a Welcome of its own for each newcomer.
"""


@dataclass(frozen=True)
class Table:
    """A suite and a size of the group."""

    label: str
    members: int
    rounds: int
    figures: Mapping[Stack, Mapping[Row, float]]
    floor: Mapping[Row, float]

    def text(self) -> str:
        """The table."""
        heads = ["ours", "floor", *(stack.name for stack in STACKS if stack is not OURS), "of wheel"]
        lines = [f"{self.label}, {self.members} members, {self.rounds} rounds", _line("", heads)]
        for row in Row:
            if any(row in found for found in self.figures.values()):
                title = row.title if row.unit is Unit.MILLISECONDS else f"{row.title} ({row.unit.value})"
                lines.append(_line(title, self._cells(row)))
        return "\n".join([*lines, ""])

    @staticmethod
    def notes() -> str:
        """What stands below all tables."""
        return _NOTES

    def ratio(self, row: Row) -> float | None:
        """Ours as a part of the faster wheel's figure; None where one is missing."""
        ours = self._figure(OURS, row)
        theirs = [found for wheel in WHEELS if (found := self._figure(wheel, row)) is not None]
        return ours / min(theirs) if theirs and ours is not None else None

    def _cells(self, row: Row) -> list[str]:
        shown = [self._figure(OURS, row), self.floor.get(row)]
        shown += [self._figure(stack, row) for stack in STACKS if stack is not OURS]
        ratio = self.ratio(row)
        return [*(_shown(figure, row.unit) for figure in shown), NONE if ratio is None else f"{ratio:.2f}"]

    def _figure(self, stack: Stack, row: Row) -> float | None:
        return self.figures.get(stack, {}).get(row)


def _shown(figure: float | None, unit: Unit) -> str:
    if figure is None:
        return NONE
    if unit is Unit.BYTES:
        return f"{figure:,.0f}"
    return f"{figure:.3f}" if figure < 1 else f"{figure:.2f}" if figure < 100 else f"{figure:,.0f}"


def _line(title: str, cells: list[str]) -> str:
    return f"{title:<36}" + "".join(f"{cell:>20}" if len(cell) > 9 else f"{cell:>12}" for cell in cells)

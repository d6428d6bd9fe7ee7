"""Runs the bounded model in Maude and reads what its searches found."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FORMAL = Path(__file__).resolve().parents[2] / "docs" / "formal"
MODEL = FORMAL / "maude" / "relay.maude"
RESULT = FORMAL / "results" / "relay-maude.txt"
#: Seconds of patience for searches that take ten of a processor.
PATIENCE = 900

_QUESTION = re.compile(r"^\*\*\* Ask: (.+)\n\*\*\* Expect: (found|nothing)\nsearch ", re.MULTILINE)
_STATES = re.compile(r"^states: (\d+) ", re.MULTILINE)
_STEP = re.compile(r'^>> "([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What one search came to.

    Attributes:
        expected: whether the model's author says that such a state is found.
        found: whether one was; otherwise every state was looked at.
        states: how many states were looked at.
        tale: how the state that was found came about, a sentence a step.
    """

    question: str
    expected: bool
    found: bool
    states: int
    tale: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One line that is the same whenever the same model is searched."""
        return "Yes:" if self.found else f"No, in all {self.states} states."

    def __str__(self) -> str:
        steps = [f"  {number}. {step}" for number, step in enumerate(self.tale, 1)]
        return "\n".join([self.question, self.verdict, *steps])


def is_installed() -> bool:
    return shutil.which("maude") is not None


def questions() -> list[tuple[str, bool]]:
    """Each question of the model, and whether it expects a state to be found."""
    return [(text, expected == "found") for text, expected in _QUESTION.findall(MODEL.read_text(encoding="utf-8"))]


def ask() -> list[Answer]:
    """Run the searches.

    Raises:
        RuntimeError: Maude did not take the model as it stands.
    """
    command = ("maude", "-no-banner", "-no-wrap", "-no-ansi-color", str(MODEL))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    results = [part for part in done.stdout.split("=" * 42)[1:] if part.startswith("\nsearch ")]
    asked = questions()
    if done.returncode or done.stderr or len(results) != len(asked):
        raise RuntimeError(f"Maude ended with {done.returncode} and {len(results)} results\n{done.stderr}")
    return [_answer(*question, result) for question, result in zip(asked, results, strict=True)]


def _answer(question: str, expected: bool, result: str) -> Answer:
    states = _STATES.search(result)
    found, empty = "\nSolution 1 " in result, "\nNo solution." in result
    tale = tuple(_STEP.findall(result))
    if states is None or found == empty or found != bool(tale):
        raise RuntimeError(f"Maude answered with something else than a tale or no solution:\n{result}")
    return Answer(question, expected, found, int(states[1]), tale)

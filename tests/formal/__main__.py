"""Runs the formal models, prints what they answer, and keeps it in docs/formal/results.

Ends with 1 where an answer is not the expected one, or where neither tool is installed.

    PYTHONPATH=tests python -m formal
"""

import subprocess
import sys

from formal import maude, proverif

_WORDS = {True: "holds", False: "does not hold", None: "cannot be proved"}


def main() -> int:
    """What the process ends with."""
    asked = [_ask_maude, _ask_proverif]
    installed = [maude.is_installed(), proverif.is_installed()]
    for name, is_there in zip(("maude", "proverif"), installed, strict=True):
        if not is_there:
            _say(f"{name} is not installed here: its models are left out")
    answers = [ask() for ask, is_there in zip(asked, installed, strict=True) if is_there]
    return 0 if answers and all(answers) else 1


def _ask_maude() -> bool:
    answers = maude.ask()
    text = "\n\n".join(map(str, answers)) + "\n"
    maude.RESULT.write_text(text, encoding="utf-8")
    _say(text)
    return all(answer.found == answer.expected for answer in answers)


def _ask_proverif() -> bool:
    is_as_expected = True
    for one in proverif.RUNS:
        try:
            answer = proverif.ask(one)
        except subprocess.TimeoutExpired:
            _say(f"{one.name}\n  no answer within {proverif.PATIENCE} seconds")
            is_as_expected = False
            continue
        one.kept.write_text(answer, encoding="utf-8")
        _say(one.name)
        for query, holds in proverif.verdicts(answer):
            _say(f"  {_WORDS[holds]}: {query}")
        is_as_expected &= tuple(holds for _, holds in proverif.verdicts(answer)) == one.expected
    return is_as_expected


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""The explanation as lines for a terminal of 80 columns."""

import textwrap
from collections.abc import Callable, Iterator

from entrenous.explain.model import WARNING, Attempt, Chapter, Explanation, Knower, Step, Told, Value
from entrenous.explain.pictures import words_of

#: Columns of a line.
WIDTH = 78
#: Hexadecimal digits of a value that are shown, and columns of its name and size.
_DIGITS, _NAME, _SIZE = 16, 28, 12

#: Takes what a piece of text is ("title", "label", "good", "bad", "dim") and the text; a terminal may colour it.
Paint = Callable[[str, str], str]


def plain(_: str, text: str) -> str:
    """The Paint that paints nothing."""
    return text


def opening_lines(explanation: Explanation, paint: Paint = plain) -> Iterator[str]:
    """What stands before the first chapter."""
    yield from _wrapped(WARNING, paint, "bad")
    yield ""
    yield from _wrapped(f"The channel's suite is {explanation.suite}. Known to: {_legend()}.", paint, "dim")


def chapter_lines(number: int, chapter: Chapter, paint: Paint = plain) -> Iterator[str]:
    """A chapter's head."""
    yield ""
    yield paint("title", f"{number}  {chapter.title.upper()}")
    yield paint("title", "=" * WIDTH)
    yield from _wrapped(chapter.opening, paint)


def step_lines(told: Told, paint: Paint = plain) -> Iterator[str]:
    """One step."""
    step = told.step
    yield ""
    yield paint("title", f"{told.number}  {step.title}")
    yield paint("dim", "-" * WIDTH)
    yield from _wrapped(step.what, paint)
    if step.drawing is not None:
        yield ""
        yield from words_of(step.drawing, WIDTH)
    yield ""
    for value in step.values:
        yield from _value_lines(value, paint)
    yield from _reasons(step, paint)
    for check in step.checks:
        yield from _listed("=", check, paint, "good")
    for attempt in step.attempts:
        yield from _attempt_lines(attempt, paint)
    if step.checks or step.attempts:
        yield ""
    yield from _source_lines(step, paint)


def _reasons(step: Step, paint: Paint) -> Iterator[str]:
    for label, words in (("Why", step.why), ("Without it", step.without)):
        yield ""
        yield from _wrapped(f"{label}: {words}", paint)
    yield ""


def _value_lines(value: Value, paint: Paint) -> Iterator[str]:
    """Name, size, who knows it, and the first digits; words that are too long for the rest of the line follow below."""
    if isinstance(value.data, bytes):
        cut = _DIGITS // 2
        size, shown = f"{len(value.data):,} bytes", value.data[:cut].hex() + "…" * (len(value.data) > cut)
    else:
        size, shown = "", value.data
    who = " ".join(knower.letter for knower in value.known_to)
    name = value.name if len(value.name) <= _NAME else f"{value.name[: _NAME - 1]}…"
    before = f"  {paint('label', name.ljust(_NAME))} {size.rjust(_SIZE)}  {who:3}  "
    fits = len(shown) <= WIDTH - _NAME - _SIZE - 10
    yield before + shown if fits else before.rstrip()
    if not fits:
        yield from _wrapped(shown, paint, indent="      ")


def _attempt_lines(attempt: Attempt, paint: Paint) -> Iterator[str]:
    yield from _listed("!", attempt.what, paint, "bad")
    yield from _wrapped(f"Refused by {attempt.refused_by}: {attempt.error}", paint, "dim", indent="    ")


def _source_lines(step: Step, paint: Paint) -> Iterator[str]:
    standards = "; ".join(f"{source.standard}, {source.section}" for source in step.sources)
    pages = "; ".join(f"docs/spec/{page.file}#{page.anchor}" for page in step.pages)
    yield from _wrapped(f"{standards}; {pages}", paint, "dim")


def _listed(sign: str, words: str, paint: Paint, kind: str) -> Iterator[str]:
    for place, line in enumerate(textwrap.wrap(words, WIDTH - 4)):
        yield f"  {paint(kind, sign) if place == 0 else ' '} {line}"


def _wrapped(words: str, paint: Paint, kind: str = "", indent: str = "") -> Iterator[str]:
    for line in textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False):
        yield paint(kind, line) if kind else line


def _legend() -> str:
    return ", ".join(f"{knower.letter} {knower.label}" for knower in Knower)

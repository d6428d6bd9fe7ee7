"""What an explanation is made of: chapters, steps, values of one run, and what was tried against it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from entrenous.errors import UsageError
from entrenous.explain.drawings import Drawing

#: What a reader has to know before the first key is shown.
WARNING = (
    "These keys protected nothing. The conversation was made up for this explanation, by the product's own code, in "
    "the memory of one process, and ended with it. That is why its secrets can be shown; those of a real one never are."
)


class Knower(Enum):
    """Who knows a value at the moment it is shown. The letter stands beside it, in text and in pictures.

    Attributes:
        letter: one letter.
        label: the same in words.
    """

    CLIENT = "C", "one client"
    SERVER = "S", "the server"
    SOME = "P", "part of the members"
    MEMBERS = "M", "all members of the room"
    NETWORK = "N", "everybody on the network"

    def __init__(self, letter: str, label: str) -> None:
        self.letter = letter
        self.label = label


@dataclass(frozen=True, slots=True)
class Value:
    """Something with a name and a size that came up in the run.

    Attributes:
        name: the standard's, where it has one.
        data: its bytes, or words where it is no byte string.
        known_to: who knows it; who knows what everybody knows is not named beside them.
        note: what it is, in a few words.
    """

    name: str
    data: bytes | str
    known_to: tuple[Knower, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attack that was really made in this run, and how it ended.

    Attributes:
        what: what was done.
        refused_by: who noticed.
        error: the error's class and its words, as they were raised.
    """

    what: str
    refused_by: str
    error: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a standard says so, e.g. ("RFC 9420", "section 8")."""

    standard: str
    section: str


@dataclass(frozen=True, slots=True)
class Page:
    """Where our own specification says so: a page of docs/spec, and a heading's anchor on it."""

    file: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Attributes:
        title: in a few words.
        what: what happens, sentence by sentence.
        why: why it is there.
        without: what an attacker would gain without it.
        values: of this run.
        sources: the standards' sections.
        pages: our specification's.
        checks: what was compared in the run and found equal.
        attempts: attacks that were made in the run.
        drawing: the picture of it.
    """

    title: str
    what: str
    why: str
    without: str
    values: tuple[Value, ...]
    sources: tuple[Source, ...]
    pages: tuple[Page, ...]
    checks: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    drawing: Drawing | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Steps that belong together.

    Attributes:
        name: what ``--only`` takes.
        title: for people.
        opening: what the chapter is about.
        steps: in their order.
    """

    name: str
    title: str
    opening: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A chapter or a step as it is shown, with its number."""

    number: str
    chapter: Chapter
    step: Step


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole of one run.

    Attributes:
        suite: the channel's suite, as people call it.
        chapters: all of them, or those that were asked for, with the numbers they have in the whole.
        numbers: of the chapters.
    """

    suite: str
    chapters: tuple[Chapter, ...]
    numbers: tuple[int, ...]

    def steps(self) -> Iterable[Told]:
        """Every step in its order."""
        for number, chapter in zip(self.numbers, self.chapters, strict=True):
            for place, step in enumerate(chapter.steps, start=1):
                yield Told(f"{number}.{place}", chapter, step)

    def only(self, names: Iterable[str]) -> "Explanation":
        """The chapters of these names, in the order of the whole.

        Raises:
            UsageError: there is no chapter of one of the names.
        """
        wanted = set(names)
        unknown = wanted - {chapter.name for chapter in self.chapters}
        if unknown:
            raise UsageError(f"there is no chapter {', '.join(sorted(unknown))}")
        kept = [
            (number, chapter)
            for number, chapter in zip(self.numbers, self.chapters, strict=True)
            if chapter.name in wanted
        ]
        return Explanation(self.suite, tuple(chapter for _, chapter in kept), tuple(number for number, _ in kept))

"""What ``doctor`` finds out, one finding a matter, each with what to do about it."""

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from entrenous.errors import EntrenousError
from entrenous.server.configuration.settings import Settings


class Status(enum.StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One matter.

    Attributes:
        check: its name, for programs.
        status: how it stands.
        detail: what was found.
        advice: what to do; empty where there is nothing to do.
    """

    check: str
    status: Status
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The server that is looked at.

    Attributes:
        settings: its settings.
        now: the time of day, in unix seconds.
        is_thorough: whether to read the whole database.
    """

    settings: Settings
    now: float
    is_thorough: bool = False


Check = Callable[[Patient], Awaitable[Iterable[Finding]]]


def ok(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, Status.OK, detail)


def warn(check: str, detail: str, advice: str) -> Finding:
    """It works, and could go wrong."""
    return Finding(check, Status.WARN, detail, advice)


def fail(check: str, detail: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(check, Status.FAIL, detail, advice)


async def examine(patient: Patient, checks: Iterable[tuple[str, Check]]) -> AsyncIterator[Finding]:
    """Carry out checks by their names, one after the other; one that cannot be carried out is a finding too."""
    for name, check in checks:
        try:
            for finding in await check(patient):
                yield finding
        except (EntrenousError, OSError) as error:
            advice = getattr(error, "remedy", "") or "See the sentence before."
            yield fail(name, str(error), advice)

"""Settings that change while a server runs: which do, and what it means for the others.

The server and its parts hold one ``Settings`` and one ``Limits`` for as long as it runs, the server's own, and look at
them whenever they judge something. So a change of these two is all that there is to it; nobody else may change them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from entrenous.server.configuration.limits import meanings
from entrenous.server.configuration.settings import Settings, about_settings
from entrenous.server.configuration.settings_sources import OF_LIMITS


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of other settings, by name.

    Attributes:
        changed: what holds from now on.
        waiting: what holds after a restart.
    """

    changed: tuple[str, ...]
    waiting: tuple[str, ...]


def own_settings(settings: Settings) -> Settings:
    """A copy for a server that runs, in which ``take_over`` may change what it likes."""
    return replace(settings, limits=replace(settings.limits))


def take_over(running: Settings, wanted: Settings) -> Reloaded:
    """Change what a running server can change, in its own settings.

    Args:
        running: what ``own_settings`` made for it.
        wanted: what is to hold.
    """
    changed, waiting = [], []
    for name, owner, value, reloads in _differences(running, wanted):
        if reloads:
            # Frozen for everybody else.
            object.__setattr__(owner, name.removeprefix(OF_LIMITS), value)
            changed.append(name)
        else:
            waiting.append(name)
    return Reloaded(tuple(changed), tuple(waiting))


def _differences(running: Settings, wanted: Settings) -> Iterator[tuple[str, object, Any, bool]]:
    """The name, its owner, the value that is wanted, and whether it can be had."""
    for name, about in about_settings().items():
        if getattr(running, name) != getattr(wanted, name):
            yield name, running, getattr(wanted, name), about.reloads
    for name in meanings():
        value = getattr(wanted.limits, name)
        if getattr(running.limits, name) != value:
            yield OF_LIMITS + name, running.limits, value, True

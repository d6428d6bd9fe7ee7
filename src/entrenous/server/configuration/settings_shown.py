"""Settings as a person reads them: each with its value and its origin, and as a file to begin with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from entrenous.server.configuration.limits import Limits, Rate, meanings
from entrenous.server.configuration.setting_kinds import Plain, hide_secrets
from entrenous.server.configuration.settings import Settings, about_settings, defaults
from entrenous.server.configuration.settings_sources import OF_LIMITS, Effective

_OPENING = """\
# Settings of an Entrenous server: `entrenous server config` shows what holds and why.
# Every line is the default; take away the # of what you change.
# Marked with (reload): a running server takes it over at SIGHUP or `entrenous server reload`.
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting.

    Attributes:
        name: as in the file; a limit's begins with "limits.".
        value: as in the file, without a password; None where nothing is set.
        origin: where it came from.
        reloads: whether a running server takes over another value.
        meaning: what it sets.
    """

    name: str
    value: Plain | None
    origin: str
    reloads: bool
    meaning: str


def shown_settings(effective: Effective) -> Iterator[Shown]:
    """Every setting, and then every limit."""
    for name, about in about_settings().items():
        value = plain_setting(effective.settings, name)
        shown = hide_secrets(str(value)) if about.is_secret and value is not None else value
        yield Shown(name, shown, effective.origin(name), about.reloads, about.meaning)
    for name, meaning in meanings().items():
        value = plain_limit(effective.settings.limits, name)
        origin = effective.origin(OF_LIMITS + name)
        yield Shown(OF_LIMITS + name, value, origin, reloads=True, meaning=meaning)


def example_file() -> str:
    """A file in which every setting stands behind a #, with its default."""
    lines = [_OPENING]
    default = defaults()
    for name, about in about_settings().items():
        value = "" if default[name] is None else about.kind.plain(default[name])
        lines += [f"# {about.meaning}{' (reload)' if about.reloads else ''}", f"#   {about.kind.says}"]
        if about.is_secret:
            lines.append(f'#   with a password in it, better in a file of its own: {name}_file = "PATH"')
        lines.append(_assignment(name, value))
    lines += ['# How much anybody may make the server hold or do (reload). A rate is "COUNT/SECONDS".', "[limits]"]
    for name, meaning in meanings().items():
        lines += [f"# {meaning}", _assignment(name, plain_limit(Limits(), name))]
    return "\n".join(lines) + "\n"


def plain_setting(settings: Settings, name: str) -> Plain | None:
    """A setting's value as a file would have it; None where nothing is set."""
    value = getattr(settings, name)
    return None if value is None else about_settings()[name].kind.plain(value)


def plain_limit(limits: Limits, name: str) -> Plain:
    """A limit's value as a file would have it."""
    value = getattr(limits, name)
    if isinstance(value, Rate):
        return str(value)
    found: Plain = value
    return found


def _assignment(name: str, value: Plain) -> str:
    # What JSON has for these values is TOML as well.
    return f"#{name} = {json.dumps(value)}\n"

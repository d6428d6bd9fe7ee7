"""Where settings come from: flags go before the environment, that before the file, and that before the defaults.

``server.toml`` in the data directory, or a file that is named, holds ``port = 7443`` and the like, and the limits in a
table ``[limits]``. The environment has ``ENTRENOUS_SERVER_PORT`` and ``ENTRENOUS_SERVER_LIMITS_CONNECTIONS``. What may
hold a password can stand in a file of its own: ``store_file = "/run/secrets/store"`` in place of ``store``.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrenous.errors import UnavailableError, UsageError
from entrenous.server.configuration.limits import Limits, check_limit, meanings, parse_limit
from entrenous.server.configuration.setting_kinds import PATH
from entrenous.server.configuration.settings import Settings, about_settings, defaults
from entrenous.server.configuration.settings_file import (
    FILE_NAME,
    OLD_FILE_NAME,
    Found,
    read_old_limits,
    read_settings_file,
)

PREFIX = "ENTRENOUS_SERVER_"
#: Of the environment: the file of settings.
CONFIG_VARIABLE = PREFIX + "CONFIG"
DEFAULT = "default"
#: Before a limit's name where it stands among the other settings.
OF_LIMITS = "limits."
#: After the name of what may hold a password: the file that holds it. And the bytes that are read of such a file.
_FILE, _MOST_OF_FILE = "_file", 64 << 10


@dataclass(frozen=True, slots=True)
class Sources:
    """What settings are read from.

    Attributes:
        default_data_dir: says where the data is if nobody else does; asked only then, for not everybody has a home.
        flags: of the command line, by name ("port", "limits.connections"), with the flag's own name.
        environment: all of it; what has our prefix is read.
        file: the file that the command line names.
        former_file: says which file the server of a data directory was last started with, for commands beside it;
            None for a server itself, which is told anew at each start.
    """

    default_data_dir: Callable[[], Path]
    flags: Mapping[str, Found] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Path | None = None
    former_file: Callable[[Path], Path | None] | None = None


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings that hold, and where each came from.

    Attributes:
        settings: all of them.
        origins: by name, as in ``Sources.flags``; what is not in it is the default.
        files: those that were read.
        notes: what an operator should know.
        named: the file that was named, by an option or the environment.
    """

    settings: Settings
    origins: Mapping[str, str]
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    named: Path | None = None

    def origin(self, name: str) -> str:
        """Where a setting came from."""
        return self.origins.get(name, DEFAULT)


def setting_names() -> list[str]:
    """Every setting, and behind them every limit, as ``Sources.flags`` calls them."""
    return [*about_settings(), *(OF_LIMITS + name for name in meanings())]


def load_settings(sources: Sources) -> Effective:
    """Put the settings together.

    Raises:
        UsageError: a setting is none, or has a value out of bounds; says where it stands.
        UnavailableError: a file cannot be read.
    """
    environment = dict(_of_environment(sources.environment))
    named = sources.file or _named_by(sources.environment)
    file = {} if named is None else read_settings_file(named)
    files = [] if named is None else [named]
    layers = [file, environment, sources.flags]
    data_dir = _data_dir(layers, sources.default_data_dir)
    notes = []
    former = None if named or sources.former_file is None else sources.former_file(data_dir)
    if former is not None and _is_there(former):
        files.append(former)
        layers[0] = read_settings_file(former)
    elif named is None and _is_there(data_dir / FILE_NAME):
        files.append(data_dir / FILE_NAME)
        layers[0] = _beside_the_data(files[0])
    if former is not None and not _is_there(former):
        notes.append(f"{former}, which the server of {data_dir} was last started with, is not there any more")
    if _is_there(data_dir / OLD_FILE_NAME):
        files.append(data_dir / OLD_FILE_NAME)
        layers.insert(0, read_old_limits(files[-1]))
        notes.append(f"{files[-1]} is read as before; its lines belong into [limits] of {FILE_NAME} now")
    values, origins = _values(layers)
    return Effective(_build(data_dir, values, origins), origins, tuple(files), tuple(notes), named)


def parse_flag(option: str) -> tuple[str, str]:
    """The name and the text in NAME=VALUE.

    Raises:
        UsageError: it is no such thing.
    """
    name, equals, text = option.partition("=")
    if not equals:
        raise UsageError(f"{option!r} is not NAME=VALUE")
    return name.strip(), text.strip()


def _named_by(environment: Mapping[str, str]) -> Path | None:
    path = environment.get(CONFIG_VARIABLE)
    try:
        return PATH.read(path) if path else None
    except ValueError:
        raise UsageError(f"{CONFIG_VARIABLE} is no path") from None


def _of_environment(environment: Mapping[str, str]) -> Iterable[tuple[str, Found]]:
    for variable, text in environment.items():
        # An empty variable is how many tools say that there is none.
        if text and variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            name = variable.removeprefix(PREFIX).lower()
            if name.startswith("limits_"):
                name = OF_LIMITS + name.removeprefix("limits_")
            yield name, Found(text, variable)


def _is_there(path: Path) -> bool:
    """Whether a file is there, also one at which we may not look: reading it will tell."""
    try:
        return path.exists()
    except OSError:
        return True


def _beside_the_data(path: Path) -> dict[str, Found]:
    found = read_settings_file(path)
    if "data_dir" in found:
        raise UsageError(f"{found['data_dir'].origin}: data_dir is where this file lies; name the file with --config")
    return found


def _data_dir(layers: Iterable[Mapping[str, Found]], otherwise: Callable[[], Path]) -> Path:
    path = None
    for layer in layers:
        if found := layer.get("data_dir"):
            path = _parse("data_dir", found) or path
    return path or otherwise()


def _values(layers: Iterable[Mapping[str, Found]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Every value that is set, the later layers before the earlier, and its origin."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for written, text in layer.items():
            name, found = _resolve(written, text, layer)
            values[name], origins[name] = _parse(name, found), found.origin
    return values, origins


def _resolve(name: str, found: Found, layer: Mapping[str, Found]) -> tuple[str, Found]:
    """The setting that a name stands for: itself, or what the file that it names has for it."""
    about = about_settings().get(name.removesuffix(_FILE))
    if not name.endswith(_FILE) or about is None or not about.is_secret:
        return name, found
    name = name.removesuffix(_FILE)
    if name in layer:
        raise UsageError(f"{found.origin}: {name} and {name}{_FILE} are both set; keep one of them")
    return name, Found(_content(found.text, found), f"{found.origin} ({found.text})")


def _content(path: str, found: Found) -> str:
    try:
        with PATH.read(path).open("rb") as file:
            return str(file.read(_MOST_OF_FILE).decode().strip())
    except ValueError:
        raise UsageError(f"{found.origin}: {path!r} names no file with text in it") from None
    except OSError as error:
        raise UnavailableError(f"{found.origin}: {path} cannot be read: {error.strerror}") from error


def _parse(name: str, found: Found) -> Any:  # noqa: ANN401 the type is the setting's
    limit = name.removeprefix(OF_LIMITS)
    try:
        return _setting(name, found) if limit == name else _limit(limit, found)
    except UsageError as error:
        raise UsageError(f"{found.origin}: {error}") from None


def _limit(name: str, found: Found) -> Any:  # noqa: ANN401 the type is the limit's
    if name not in meanings():
        raise UsageError(_unknown("limit", name, meanings()))
    if found.is_list:
        raise UsageError(f"{name} is no list")
    value = parse_limit(name, found.text)
    check_limit(name, value)
    return value


def _setting(name: str, found: Found) -> Any:  # noqa: ANN401 the type is the setting's
    about = about_settings().get(name)
    if about is None:
        secrets = [secret + _FILE for secret, about in about_settings().items() if about.is_secret]
        raise UsageError(_unknown("setting", name, [*setting_names(), *secrets]))
    # Who writes "" for what can be left out leaves it out.
    if not found.text and defaults()[name] is None:
        return None
    try:
        return about.kind.read(found.text, is_list=found.is_list)
    except ValueError:
        shown = "what is written there" if about.is_secret else repr(found.text[:200])
        raise UsageError(f"{name} is {about.kind.says}, not {shown}") from None


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:80], list(known), 1)
    hint = f"did you mean {near[0]}?" if near else "`entrenous server config` lists them"
    return f"there is no {kind} called {name[:80]!r}; {hint}"


def _build(data_dir: Path, values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    plain = {name: value for name, value in values.items() if not name.startswith(OF_LIMITS)}
    of_limits = {name.removeprefix(OF_LIMITS): value for name, value in values.items() if name.startswith(OF_LIMITS)}
    try:
        limits = Limits(**of_limits)
    except UsageError as error:
        places = ", ".join(sorted({origins[OF_LIMITS + name] for name in of_limits}))
        raise UsageError(f"{places}: {error}") from None
    return Settings(**{**plain, "data_dir": data_dir, "limits": limits})

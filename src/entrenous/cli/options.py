"""What stands before the command: the profile, and how much is logged. The same for every command."""

import enum
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import typer

from entrenous.cli.logs import LogFormat, LogLevel, configure
from entrenous.cli.output import note


class SuiteName(enum.StrEnum):
    """A channel suite as a person names it (``channel.suites``)."""

    HYBRID = "hybrid"
    CLASSIC = "classic"

    def warn(self) -> None:
        """Say what the classic suite does not give."""
        if self is SuiteName.CLASSIC:
            note(
                "warning: the classic suite's traffic, recorded today, has no safety against a future quantum computer"
            )


SuiteOption = Annotated[
    SuiteName, typer.Option(help="The channel to the server: post-quantum hybrid, or classic FFDHE2048.")
]
KeyLogOption = Annotated[
    Path | None,
    typer.Option(
        "--keylog",
        metavar="FILE",
        help="DANGEROUS, for analysis: write the keys of every connection to FILE, for `entrenous pcap`.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@dataclass(frozen=True, slots=True)
class Common:
    """The options before the command, and what the command adds to them."""

    profile: str | None
    log_level: LogLevel | None
    log_format: LogFormat | None
    keylog: Path | None = None
    keylog_epochs: bool = False

    @property
    def profile_path(self) -> Path:
        """The profile's directory: a path if the option looks like one, else a name among the person's profiles."""
        from entrenous.client.profile import DEFAULT_NAME, profile_directory

        if self.profile is None:
            return profile_directory(DEFAULT_NAME)
        separators = {os.sep, os.altsep or os.sep, "/"}
        if any(separator in self.profile for separator in separators):
            return Path(self.profile).expanduser()
        return profile_directory(self.profile)

    def command_line(self) -> str:
        """How a person opens this profile in a shell."""
        return "entrenous" if self.profile is None else f"entrenous --profile {shlex.quote(self.profile)}"

    def start_logging(self, default: LogLevel) -> None:
        """Log to standard error, at the level that was asked for or else at ``default``."""
        configure(self.log_level or default, self.log_format or LogFormat.CONSOLE)


def common(context: typer.Context) -> Common:
    """The options before the command."""
    return cast("Common", context.find_root().obj)


def examples(*lines: str) -> str:
    """Command lines as the last paragraph of a command's help, each on its own line."""
    return paragraph("Examples:", *lines)


def paragraph(title: str, *lines: str) -> str:
    """Lines that are shown as they are, below their title."""
    keep_lines = "\b"  # click's mark for a paragraph that it must not wrap
    return "\n".join([keep_lines, title, *(f"  {line}" for line in lines)])

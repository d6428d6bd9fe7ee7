"""What only a person can say: passwords, typed unseen or one line of standard input for scripts, and other answers."""

import getpass
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from entrenous.cli.output import note
from entrenous.errors import EntrenousError

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


def existing_password(from_stdin: bool, question: str = "Password: ") -> str:
    """A password that exists already.

    Raises:
        typer.BadParameter: nobody is there to ask, or standard input is empty.
    """
    if from_stdin:
        return _first_line()
    _need_terminal()
    return asked(question, getpass.getpass)


def new_password(from_stdin: bool, check: Callable[[str], None]) -> str:
    """A password to be, which ``check`` lets pass; on a terminal it is typed twice, and again until it is good.

    Raises:
        typer.BadParameter: nobody is there to ask, or standard input is empty.
        EntrenousError: as ``check`` does, where nobody can be asked again.
    """
    if from_stdin:
        password = _first_line()
        check(password)
        return password
    _need_terminal()
    while True:
        password = asked("A new password (five random words are good): ", getpass.getpass)
        try:
            check(password)
        except EntrenousError as error:
            note(f"Not this one: {getattr(error, 'detail', error)}")
            continue
        if asked("The same again: ", getpass.getpass) == password:
            return password
        note("The two differ. Once more, please.")


def asked(question: str, read: Callable[[str], str] = input) -> str:
    """A person's answer. Ctrl+C ends the program at once, which asyncio would put off until there is an answer."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return read(question)
    except EOFError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, former)


def _first_line() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise typer.BadParameter("There is no password on standard input.", param_hint="--password-stdin")
    return password


def _need_terminal() -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask for the password; use --password-stdin.")

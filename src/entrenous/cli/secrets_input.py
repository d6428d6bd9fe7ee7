"""Passwords from a person: typed unseen, or one line of standard input for scripts. Never an argument."""

import getpass
import sys
from typing import Annotated

import typer

from entrenous.errors import MalformedError, UnavailableError

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


def existing_password(from_stdin: bool, question: str = "Password: ") -> str:
    """A password that exists already.

    Raises:
        UnavailableError: nobody is there to ask.
        MalformedError: standard input is empty.
    """
    if from_stdin:
        return _first_line()
    _need_terminal()
    return getpass.getpass(question)


def new_password(from_stdin: bool) -> str:
    """A password to be; typed twice.

    Raises:
        UnavailableError: nobody is there to ask.
        MalformedError: standard input is empty, or the two differ.
    """
    if from_stdin:
        return _first_line()
    _need_terminal()
    password = getpass.getpass("A new password (five random words are good): ")
    if getpass.getpass("The same again: ") != password:
        raise MalformedError("The two passwords differ. Nothing was sent; start again.")
    return password


def _first_line() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise MalformedError("There is no password on standard input.")
    return password


def _need_terminal() -> None:
    if not sys.stdin.isatty():
        raise UnavailableError("there is no terminal to ask for a password; use --password-stdin")

"""The one command language that people type: what a line means, for the terminal, the page and the line mode alike.

``/invite bob`` is a command, ``//shrug`` says "/shrug", anything else says itself. An unknown ``/x`` is an error with
the nearest match and is never sent. What follows a command is taken as it stands: a room may be called Bob's.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from entrenous.client.commands import (
    AcceptIdentity,
    BlockPerson,
    Command,
    CreateInviteLink,
    CreateRoom,
    InviteMember,
    KickMember,
    ListMembers,
    ListRooms,
    RefreshKeys,
)
from entrenous.errors import EntrenousError


class SlashError(EntrenousError):
    """A line that means nothing; its sentence says what would. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send this text to the current room."""

    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """Do this command."""

    command: Command[object]


@dataclass(frozen=True, slots=True)
class SwitchRoom:
    """Make another room the current one."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Show the help, of one command or of all."""

    topic: str | None


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the program."""


Meaning = Say | Run | SwitchRoom | ShowHelp | Quit


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command: how it is written, what it does, and how what follows its name becomes a meaning."""

    name: str
    usage: str
    help: str
    build: Callable[[str, bytes | None], Meaning]
    aliases: tuple[str, ...] = ()


def interpret(line: str, room: bytes | None) -> Meaning | None:
    """What a typed line means in ``room`` (None: no room is open yet); None for an empty line.

    Raises:
        SlashError: an unknown command, a missing or surplus word, or a message without a room.
    """
    text = line.strip()
    if not text:
        return None
    if text.startswith("//"):
        return _say(text[1:], room)
    if not text.startswith("/"):
        return _say(text, room)
    name, rest = _parted(text[1:])
    command = COMMANDS.get(name.lower())
    if command is None:
        raise SlashError(f"There is no /{name}.{_nearest(name)} Nothing was sent. To send a slash, type two: //{name}")
    try:
        return command.build(rest, room)
    except _WrongWordsError:
        raise SlashError(f"Usage: {command.usage}") from None


class _WrongWordsError(Exception):
    """A word is missing, or there is one too many."""


def _say(text: str, room: bytes | None) -> Say:
    _need(room)
    return Say(text)


def _need(room: bytes | None) -> bytes:
    if room is None:
        raise SlashError("No room is open. /create NAME makes one, /rooms lists yours, /join NAME opens one")
    return room


def _parted(text: str) -> tuple[str, str]:
    """The first word, and what follows it without the quotation marks that people put around names."""
    name, *rest = text.split(maxsplit=1) or [""]
    following = rest[0].strip() if rest else ""
    if len(following) > 1 and following[0] == following[-1] and following[0] in "'\"":
        following = following[1:-1]
    return name, following


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), COMMANDS, n=1, cutoff=0.6)
    return f" Did you mean /{close[0]}?" if close else " /help lists what there is."


def _nothing(rest: str) -> None:
    if rest:
        raise _WrongWordsError


def _name(rest: str) -> str:
    """A room's name, which may have spaces."""
    if not rest.strip():
        raise _WrongWordsError
    return rest


def _person(rest: str) -> str:
    """A login name, which has none."""
    words = rest.split()
    if len(words) != 1:
        raise _WrongWordsError
    return words[0]


def _create(rest: str, _room: bytes | None) -> Meaning:
    return Run(CreateRoom(_name(rest)))


def _invite(rest: str, room: bytes | None) -> Meaning:
    if not rest:
        return Run(CreateInviteLink())
    return Run(InviteMember(_need(room), _person(rest)))


def _kick(rest: str, room: bytes | None) -> Meaning:
    return Run(KickMember(_need(room), _person(rest)))


def _members(rest: str, room: bytes | None) -> Meaning:
    _nothing(rest)
    return Run(ListMembers(_need(room)))


def _rooms(rest: str, _room: bytes | None) -> Meaning:
    _nothing(rest)
    return Run(ListRooms())


def _join(rest: str, _room: bytes | None) -> Meaning:
    return SwitchRoom(_name(rest))


def _rekey(rest: str, room: bytes | None) -> Meaning:
    _nothing(rest)
    return Run(RefreshKeys(_need(room)))


def _accept(rest: str, _room: bytes | None) -> Meaning:
    return Run(AcceptIdentity(_person(rest)))


def _block(rest: str, _room: bytes | None) -> Meaning:
    return Run(BlockPerson(_person(rest)))


def _unblock(rest: str, _room: bytes | None) -> Meaning:
    return Run(BlockPerson(_person(rest), is_blocked=False))


def _help(rest: str, _room: bytes | None) -> Meaning:
    return ShowHelp(rest.split()[0].lstrip("/").lower() if rest.split() else None)


def _quit(rest: str, _room: bytes | None) -> Meaning:
    _nothing(rest)
    return Quit()


#: Every command, in the order in which the help shows them.
ALL_COMMANDS = (
    SlashCommand("rooms", "/rooms", "list your rooms", _rooms),
    SlashCommand("join", "/join ROOM", "open one of your rooms", _join, ("j",)),
    SlashCommand("create", "/create NAME", "make a room; you are its admin", _create, ("group",)),
    SlashCommand("invite", "/invite [PERSON]", "add a person to this room; alone: make a link to this server", _invite),
    SlashCommand("kick", "/kick PERSON", "remove a person: they read nothing sent afterwards", _kick),
    SlashCommand("members", "/members", "who is in this room", _members, ("names", "who")),
    SlashCommand("rekey", "/rekey", "give this device new keys in this room", _rekey),
    SlashCommand("accept", "/accept PERSON", "trust the new identity key that a person shows", _accept),
    SlashCommand("block", "/block PERSON", "be in no new room by this person's doing", _block),
    SlashCommand("unblock", "/unblock PERSON", "take a block back", _unblock),
    SlashCommand("help", "/help [COMMAND]", "this list, or one command", _help, ("?",)),
    SlashCommand("quit", "/quit", "leave; messages that wait are sent next time", _quit, ("exit", "q")),
)

#: By every name that can be typed.
COMMANDS = {name: command for command in ALL_COMMANDS for name in (command.name, *command.aliases)}


def help_text(topic: str | None = None) -> str:
    """The help for people: of one command, or of all.

    Raises:
        SlashError: there is no such command.
    """
    if topic is None:
        width = max(len(command.usage) for command in ALL_COMMANDS)
        lines = [f"{command.usage:<{width}}  {command.help}" for command in ALL_COMMANDS]
        return "\n".join([*lines, f"{'//text':<{width}}  say something that begins with a slash"])
    command = COMMANDS.get(topic)
    if command is None:
        raise SlashError(f"There is no /{topic}.{_nearest(topic)}")
    also = f"\nAlso: {', '.join('/' + alias for alias in command.aliases)}" if command.aliases else ""
    return f"{command.usage}\n  {command.help}{also}"

"""The film's play: a server starts, two people join by link and talk, and what they said is not on the server."""

import re
from collections.abc import Callable

from pictures.frames import Frame
from pictures.places import Layout, two_above_one
from pictures.stage import Stage, raised

LAYOUT = two_above_one(columns=49, upper_rows=12, lower_rows=10)

_ROOM = "garden"
_PASSWORDS = {"alice": "quarry velvet mango thimble orbit", "bob": "lantern drizzle cobalt anvil pigeon"}
_SECRET = "blue flower pot"  # noqa: S105 what is said, and then searched for
_TALK = (
    ("bob", "Where is the spare key?"),
    ("alice", f"It is under the {_SECRET}."),
    ("bob", "Found it. See you at eight!"),
)
#: Milliseconds for which something is seen: a glance, a line, something to think of.
_GLANCE, _LINE, _THOUGHT = 400, 1200, 2600


def film() -> tuple[tuple[Frame, ...], Layout]:
    """Play it, with real processes, and film it.

    Raises:
        PictureError: something did not happen, or not in time.
    """
    with raised(LAYOUT) as stage:
        for act in _ACTS:
            act(stage)
        return tuple(stage.frames), LAYOUT


def _a_server_starts(stage: Stage) -> None:
    stage.caption = "1  One command starts a server: no domain, no certificate. It prints one invite link."
    stage.shell("server", "server")
    stage.show(_LINE)
    stage.type("server", "entrenous server run --data data")
    stage.enter("server", "More links: entrenous server invite", _THOUGHT)


def _they_join(stage: Stage) -> None:
    stage.caption = "2  Alice joins by the link, which pins the server's key. Her password never leaves her machine."
    stage.shell("alice", "alice")
    _join(stage, "alice", _link(stage, "server"))
    stage.caption = "3  She makes a link for Bob, and he joins."
    stage.type("alice", "entrenous invite")
    stage.finish("alice", _LINE)
    stage.shell("bob", "bob")
    _join(stage, "bob", _link(stage, "alice"))


def _join(stage: Stage, name: str, link: str) -> None:
    stage.type(name, "entrenous join '")
    stage.paste(name, f"{link}'")
    stage.enter(name, "Your login name: ", _GLANCE)
    stage.type(name, name)
    stage.enter(name, "random words are good): ", _GLANCE)
    stage.type_unseen(name, _PASSWORDS[name])
    stage.enter(name, "The same again: ", _GLANCE)
    stage.type_unseen(name, _PASSWORDS[name])
    stage.finish(name, _LINE)


def _link(stage: Stage, name: str) -> str:
    """The last link on somebody's screen; it may go over the rows' ends."""
    return str(re.findall(r"entrenous://[A-Za-z0-9.:/#_-]+", stage.text(name))[-1])


def _they_meet(stage: Stage) -> None:
    stage.caption = "4  Both open the chat."
    for name in ("alice", "bob"):
        stage.shell(name, name)
    for name in ("alice", "bob"):
        stage.type(name, "entrenous")
        stage.enter(name, "-- Connected.", _GLANCE)
    stage.caption = (
        "5  Alice makes a room and invites him. Below: the room's log, as it stands in the server's database."
    )
    stage.below = None
    stage.show(_LINE)
    stage.type("alice", f"/create {_ROOM}")
    stage.enter("alice", f"== {_ROOM} ==", _GLANCE)
    stage.type("alice", "/invite bob")
    stage.enter("alice", "-- bob is in this room.", 0)
    stage.sees("bob", f"== {_ROOM} ==")
    stage.stored(1)
    stage.show(_THOUGHT)


def _they_talk(stage: Stage) -> None:
    stage.caption = "6  They talk. Only their two machines have the keys; the server stores ciphertext."
    for number, (name, text) in enumerate(_TALK, 2):
        other = "bob" if name == "alice" else "alice"
        stage.type(name, text)
        stage.enter(name, text, 0)
        stage.stored(number)
        stage.sees(other, f"{name}: {text}")
        stage.show(_LINE)
    stage.show(_LINE)


def _the_server_is_searched(stage: Stage) -> None:
    stage.caption = "7  Search everything that the server wrote for what Alice said: no line of any file has it."
    stage.below = "disk"
    stage.shell("disk", "server")
    stage.type("disk", f"grep -rc '{_SECRET}' data")
    stage.finish("disk", 2 * _THOUGHT)


_ACTS: tuple[Callable[[Stage], None], ...] = (
    _a_server_starts,
    _they_join,
    _they_meet,
    _they_talk,
    _the_server_is_searched,
)

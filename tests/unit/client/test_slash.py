"""The command language: typos never leave the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.client.commands import (
    BlockPerson,
    CreateInviteLink,
    CreateRoom,
    InviteMember,
    KickMember,
    ListMembers,
    ListRooms,
)
from entrenous.client.slash import (
    ALL_COMMANDS,
    COMMANDS,
    Quit,
    Run,
    Say,
    ShowHelp,
    SlashError,
    SwitchRoom,
    help_text,
    interpret,
)

ROOM = bytes(16)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("hello there", Say("hello there")),
        ("//shrug", Say("/shrug")),
        ("  /invite bob ", Run(InviteMember(ROOM, "bob"))),
        ("/INVITE bob", Run(InviteMember(ROOM, "bob"))),
        ("/invite", Run(CreateInviteLink())),
        ("/kick bob", Run(KickMember(ROOM, "bob"))),
        ("/block bob", Run(BlockPerson("bob"))),
        ("/unblock bob", Run(BlockPerson("bob", is_blocked=False))),
        ("/members", Run(ListMembers(ROOM))),
        ("/who", Run(ListMembers(ROOM))),
        ("/rooms", Run(ListRooms())),
        ("/create The quiet room", Run(CreateRoom("The quiet room"))),
        ("/create 'The  quiet room'", Run(CreateRoom("The  quiet room"))),
        ("/create Bob's  room", Run(CreateRoom("Bob's  room"))),
        ('/create "it is said"', Run(CreateRoom("it is said"))),
        ("/create C:\\temp", Run(CreateRoom("C:\\temp"))),
        ("/create '", Run(CreateRoom("'"))),
        ("/j quiet room", SwitchRoom("quiet room")),
        ("/help", ShowHelp(None)),
        ("/help /kick", ShowHelp("kick")),
        ("/quit", Quit()),
        ("", None),
        ("   ", None),
    ],
)
def test_a_line_means_what_it_says(line: str, meaning: object) -> None:
    assert interpret(line, ROOM) == meaning


def test_a_typo_is_an_error_with_the_nearest_match_and_is_never_sent() -> None:
    with pytest.raises(SlashError, match=r"Did you mean /invite\? Nothing was sent"):
        interpret("/invtie bob", ROOM)


@pytest.mark.parametrize(
    "line", ["/invite a b", "/kick", "/members x", "/quit now", "/create", "/create ''", "/join", "/join  "]
)
def test_a_missing_or_surplus_word_shows_the_usage(line: str) -> None:
    with pytest.raises(SlashError, match=f"Usage: {line.split()[0]}"):
        interpret(line, ROOM)


@pytest.mark.parametrize("line", ["hello", "//hello", "/invite bob", "/kick bob", "/members"])
def test_without_a_room_nothing_is_said_into_the_void(line: str) -> None:
    with pytest.raises(SlashError, match="No room is open"):
        interpret(line, None)


@given(st.text(max_size=40), st.none() | st.just(ROOM))
def test_any_line_has_a_meaning_or_a_sentence(line: str, room: bytes | None) -> None:
    try:
        meaning = interpret(line, room)
    except SlashError:
        return
    if isinstance(meaning, Say):
        assert meaning.text == line.strip().replace("//", "/", 1 if line.strip().startswith("//") else 0)


def test_every_command_is_in_the_help_and_every_name_is_unique() -> None:
    text = help_text()
    assert all(command.usage in text for command in ALL_COMMANDS)
    assert len(COMMANDS) == sum(1 + len(command.aliases) for command in ALL_COMMANDS)
    assert "/kick PERSON" in help_text("kick")
    with pytest.raises(SlashError, match="There is no /kickk"):
        help_text("kickk")

"""What was said in rooms, with an epoch's keys and without."""

from entrenous.capture import KeyLogTrace, read_key_log
from entrenous.capture.rooms import Rooms
from entrenous.content import Content, RoomAccessKey, Text
from entrenous.content.message import Body
from mls_members import Member


def content(body: Body) -> bytes:
    return Content(bytes(12), 5, body).encode()


def room_of_two() -> tuple[Member, Member, list[str]]:
    """Two members in epoch 1, and the second one's key log of it."""
    lines: list[str] = []
    alice, bob = Member("alice"), Member("bob")
    alice.create()
    own = alice.prepare(bob.key_package())
    alice.enter(own.epoch)
    bob.join(own.welcome, alice.group.tree, trace=KeyLogTrace(lines.append, with_epochs=True))
    return alice, bob, lines


def test_texts_are_read_in_any_order_and_as_often_as_they_pass() -> None:
    alice, bob, lines = room_of_two()
    messages = [alice.says(content(Text(f"line {number}"))) for number in range(5)]
    rooms = Rooms(read_key_log(lines))
    for number in (3, 0, 4, 3, 1, 2, 0):
        said = rooms.read(messages[number])
        assert said is not None
        assert (said.what, said.sender, said.generation, said.epoch) == (f"line {number}", 0, number, 1)
    answer = rooms.read(bob.says(content(Text("and back"))))
    assert answer is not None
    assert answer.what == "and back"


def test_a_commit_is_read_by_what_it_does() -> None:
    alice, _, lines = room_of_two()
    said = Rooms(read_key_log(lines)).read(alice.prepare(Member("carol").key_package()).message)
    assert said is not None
    assert (said.content, said.what) == ("commit", "Commit of Add")


def test_other_content_shows_its_kind_and_no_key() -> None:
    alice, _, lines = room_of_two()
    said = Rooms(read_key_log(lines)).read(alice.says(content(RoomAccessKey(1, b"K" * 32))))
    assert said is not None
    assert said.what == "content of kind 2"


def test_without_the_epochs_keys_only_the_header_shows() -> None:
    alice, _, _ = room_of_two()
    _, _, others = room_of_two()
    foreign = [line.replace(b"a group".hex(), b"another".hex()) for line in others]
    said = Rooms(read_key_log(foreign)).read(alice.says(content(Text("secret"))))
    assert said is not None
    assert (said.group, said.sender) == (b"a group", None)
    assert "no key" in said.what


def test_what_is_no_private_message_says_nothing() -> None:
    alice, _, lines = room_of_two()
    rooms = Rooms(read_key_log(lines))
    assert rooms.read(b"no message") is None
    broken = bytearray(alice.says(content(Text("x"))))
    broken[-1] ^= 1
    said = rooms.read(bytes(broken))
    assert said is not None
    assert said.sender is None

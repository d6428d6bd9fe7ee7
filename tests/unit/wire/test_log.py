"""The log hash: it depends on the room, on every entry and on their order."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import encode_length
from entrenous.errors import MalformedError
from entrenous.wire import CommitData, LogPosition, MessageData, RosterAction, RosterChange
from entrenous.wire.limits import MAX_ROSTER_CHANGES

ROOM = bytes(range(16))


def test_the_log_hash_is_what_the_protocol_says() -> None:
    start = LogPosition.start(ROOM)
    l0 = hashlib.sha256(b"entrenous v1 room log\x00" + ROOM).digest()
    l1 = hashlib.sha256(l0 + (1).to_bytes(8, "big") + hashlib.sha256(b"first").digest()).digest()
    assert start == LogPosition(0, l0)
    assert start.then(b"first") == LogPosition(1, l1)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6), st.lists(st.binary(max_size=8), min_size=1, max_size=6))
def test_two_logs_share_a_hash_only_if_they_are_the_same(one: list[bytes], other: list[bytes]) -> None:
    positions = []
    for log in (one, other):
        position = LogPosition.start(ROOM)
        for entry in log:
            position = position.then(entry)
        positions.append(position)
    assert (positions[0] == positions[1]) == (one == other)


def test_rooms_do_not_share_hashes() -> None:
    assert LogPosition.start(ROOM) != LogPosition.start(bytes(16))


def test_a_roster_delta_of_more_accounts_than_a_room_can_exchange_is_malformed() -> None:
    changes = tuple(RosterChange(number.to_bytes(16, "big"), RosterAction.ADD) for number in range(MAX_ROSTER_CHANGES))
    longest = CommitData(bytes(12), 86_400, changes, LogPosition.start(ROOM), b"")
    assert CommitData.decode(longest.encode()) == longest
    body = b"".join(change.encode() for change in (*changes, changes[0]))
    too_long = bytes(16) + encode_length(len(body)) + body + longest.newest.encode() + b"\0"
    with pytest.raises(MalformedError, match="too many elements"):
        CommitData.decode(too_long)


def test_authenticated_data_survives() -> None:
    position = LogPosition.start(ROOM).then(b"x")
    commit = CommitData(bytes(12), 86_400, (RosterChange(bytes(16), RosterAction.ADD),), position, b"")
    assert CommitData.decode(commit.encode()) == commit
    assert MessageData.decode(MessageData(position).encode()) == MessageData(position)

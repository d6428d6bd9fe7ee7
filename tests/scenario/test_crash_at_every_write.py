"""A client's process, and then the server's, ends at each of its writes, and what becomes of a conversation."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from crashes.watching import Notes
from entrenous.mls.types import ContentType, MLSMessage, PrivateMessage

#: Deaths that the campaigns have at least, by scene; fewer would mean that writes go past the drivers that we watch.
LEAST = {
    "client": {
        "alice registers": 15,
        "alice joins": 30,
        "alice commits": 20,
        "alice makes a room": 14,
        "alice is away": 12,
        "alice is removed": 10,
        "alice takes another device": 20,
    },
    "server": {
        "a server begins": 25,
        "alice registers": 8,
        "alice joins": 10,
        "alice commits": 14,
        "alice makes a room": 14,
        "alice is away": 10,
        "alice is removed": 10,
        "alice takes another device": 15,
    },
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes that die are forked")
@pytest.mark.parametrize("mortal", LEAST)
def test_who_dies_at_any_write_loses_nothing_repeats_nothing_and_uses_no_key_twice(mortal: str) -> None:
    search = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", "crashes", mortal],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tally: dict[str, Any] = json.loads(done.stdout)
    assert tally["failures"] == [], done.stderr
    assert tally["deaths"].keys() == LEAST[mortal].keys()
    assert all(count >= LEAST[mortal][scene] for scene, count in tally["deaths"].items()), tally["deaths"]


KEY, NONCE, OTHER_NONCE = bytes(32), bytes(12), bytes(11) + b"\x01"


def entry(ciphertext: bytes) -> bytes:
    return MLSMessage.of(PrivateMessage(b"group", 0, ContentType.APPLICATION, b"", b"", ciphertext)).encode()


@pytest.fixture
def notes() -> Iterator[Notes]:
    """Those of a run in which somebody has sent one message as it should be."""
    notes = Notes()
    notes.derived("message_key", KEY)
    notes.sealed(KEY, NONCE, b"one")
    notes.sent(entry(b"one"))
    notes.sent(entry(b"one"))  # again, as the same bytes
    yield notes
    notes.close()


def test_the_notes_have_nothing_against_what_is_as_it_should_be(notes: Notes) -> None:
    notes.check()
    notes.sealed(KEY, OTHER_NONCE, b"sealed by a process that died before it was stored or sent")
    notes.check()


def test_the_notes_show_a_nonce_that_was_used_twice(notes: Notes) -> None:
    notes.sealed(KEY, NONCE, b"two")
    with pytest.raises(AssertionError, match="a nonce was used twice"):
        notes.check()


def test_the_notes_show_a_ratchets_key_that_was_used_twice_behind_the_random_guard(notes: Notes) -> None:
    notes.sealed(KEY, OTHER_NONCE, b"two")
    notes.sent(entry(b"two"))
    with pytest.raises(AssertionError, match="used for two messages"):
        notes.check()


def test_the_notes_show_a_message_whose_key_nobody_has_traced(notes: Notes) -> None:
    notes.sealed(bytes(31) + b"\x01", NONCE, b"two")
    notes.sent(entry(b"two"))
    with pytest.raises(AssertionError, match="nobody sealed"):
        notes.check()


def test_the_notes_show_a_key_package_that_was_handed_out_twice(notes: Notes) -> None:
    notes.handed_out(b"package")
    notes.check()
    notes.handed_out(b"package")
    with pytest.raises(AssertionError, match="handed out twice"):
        notes.check()

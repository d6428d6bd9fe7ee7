"""Joining a group and following it (docs/spec/groups.md): in the suite of rooms, and in one that others have too.

Suite 0x0001 is no suite of rooms. It is here because other implementations of MLS know it and can be tried on the same
course of events.
"""

from typing import Any
from unittest import mock

from entrenous.codec import encode_as
from entrenous.crypto import MLKEM768
from entrenous.mls.suite import ROOM_SUITE_ID, SUITES
from entrenous.mls.types import RatchetTreeNodes
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile
from entrenous.testing.vectors.encapsulation import seeded_encapsulator
from mls_members import Member
from own_vectors.making import Case, file_of, flipped
from own_vectors.people import OTHER_ROOM, ROOM

HELLO, AGAIN, LATER, TOLD = b"hello", b"and again", b"after the Commit", b"what is told beside it"

ALL = "messages before and after a Commit with a path"
#: What is tried in the suite of rooms.
LARGE = (
    "a changed bit at the end of the Welcome",
    "the other private key in place of the init key",
    "a tree with a changed bit",
    "a changed bit in what is told beside a message",
    "a message that comes twice",
)


class Course:
    """Alice makes a group, adds Bob, speaks, renews her keys and speaks again."""

    def __init__(self, suite_id: int) -> None:
        suite = SUITES[suite_id]
        self.alice, self.bob = Member("alice", suite), Member("bob", suite)
        self.alice.create(ROOM)
        add = self.bob.key_package()
        own = self.alice.prepare(add)
        self.alice.enter(own.epoch)
        assert own.welcome is not None
        self.hello, self.again = self.alice.says(HELLO, TOLD), self.alice.says(AGAIN)
        tree = encode_as(RatchetTreeNodes, self.alice.group.tree.nodes())
        (bundle,) = self.bob.bundles.values()
        self.given: dict[str, Any] = {
            "suite": suite_id,
            "key_package": bundle.key_package.encode(),
            "init_key": bundle.init_private.reveal(),
            "leaf_key": bundle.encryption_private.reveal(),
            "welcome": own.welcome,
            "ratchet_tree": tree,
        }
        renewal = self.alice.prepare()
        self.alice.enter(renewal.epoch)
        self.renewal, self.later = renewal.message, self.alice.says(LATER)

    def with_(self, *messages: bytes, **others: Any) -> dict[str, Any]:
        return {**self.given, **others, "messages": list(messages)}


def cases_of(suite_id: int, name: str) -> list[Case]:
    # The library draws ML-KEM's randomness itself, and the file must always be the same.
    with mock.patch.object(MLKEM768, "_encapsulator", seeded_encapsulator):
        course = Course(suite_id)
        other = Course(suite_id).bob.key_package().key_package
    hello, again, renewal, later = course.hello, course.again, course.renewal, course.later
    welcome, tree = course.given["welcome"], course.given["ratchet_tree"]
    taken = {
        "a Welcome": (),
        "two messages": (hello, again),
        "the second of two messages": (again,),
        "a Commit with a path": (renewal,),
        ALL: (hello, again, renewal, later),
    }
    wrong: dict[str, tuple[dict[str, Any], str]] = {
        "a changed bit at the end of the Welcome": (course.with_(welcome=flipped(welcome, -1)), CRYPTO),
        "a Welcome that is cut off": (course.with_(welcome=welcome[:-1]), MALFORMED),
        "the other private key in place of the init key": (course.with_(init_key=course.given["leaf_key"]), CRYPTO),
        "a Welcome for another KeyPackage": (course.with_(key_package=other.encode()), "MLS-WELCOME-NOT-FOR-US"),
        "a tree with a changed bit": (course.with_(ratchet_tree=flipped(tree, -1)), "MLS-GROUP-INFO-TREE"),
        "a changed bit at the end of a message": (course.with_(flipped(hello, -1)), CRYPTO),
        "a changed bit in what is told beside a message": (course.with_(hello.replace(TOLD, TOLD[::-1])), CRYPTO),
        "a message that comes twice": (course.with_(hello, hello), "MLS-GENERATION-CONSUMED"),
        "a message of a later epoch": (course.with_(later), "MLS-EPOCH"),
        "a Commit that comes twice": (course.with_(renewal, renewal), "MLS-EPOCH"),
        "a message of another group": (course.with_(hello.replace(b"\x10" + ROOM, b"\x10" + OTHER_ROOM)), "MLS-GROUP"),
    }
    if suite_id == ROOM_SUITE_ID:
        # Its keys are large, so only some come; and what others do not refuse: they keep keys and epochs that are over.
        wrong = {
            **{name: wrong[name] for name in LARGE},
            "the first of two messages after the second": (course.with_(again, hello), "MLS-GENERATION-CONSUMED"),
            "a message of the epoch before a Commit": (course.with_(renewal, hello), "MLS-EPOCH"),
        }
        taken = {name: taken[name] for name in ("a Welcome", ALL)}
    return [
        *(Case(f"{name}: {what}", course.with_(*messages)) for what, messages in taken.items()),
        *(Case(f"{name}: {what}", given, end) for what, (given, end) in wrong.items()),
    ]


def files() -> list[VectorFile]:
    about = "Join a group of two by a Welcome, then take messages in their order."
    cases = [*cases_of(ROOM_SUITE_ID, "the suite of rooms"), *cases_of(0x0001, "suite 0x0001")]
    return [file_of("groups-joining", "groups.md", about, cases)]

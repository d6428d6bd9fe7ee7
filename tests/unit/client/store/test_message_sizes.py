"""Small on disk: what one message writes does not grow with the group, and no used key is in it (RFC 9420 §9.2)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from client_pages import pages_in_clear
from entrenous.client.rooms.commits import StagedEpoch, stored_beginning
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.store import SCHEMA, Store, stages
from entrenous.client.store.stages import StageRow
from entrenous.mls.schedule import Ratchet, RatchetKind
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.tree.tree_math import direct_path
from store_sizes import (
    FIRST_RECEIVED,
    FIRST_SENT,
    KEY,
    LATER_RECEIVED,
    LATER_SENT,
    ROOM,
    CountedStore,
    OneClient,
    SizedGroup,
    Written,
    bound,
    measure,
)

#: Rows of a later message, at any size: over all of a sent one's way, and of a received one.
SENT_ROWS, RECEIVED_ROWS = 7, 3


@pytest.fixture(scope="module", params=[2, 100, 1000])
def measured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, dict[str, Written]]:
    members = request.param
    return members, measure(tmp_path_factory.mktemp("sizes"), members)


def test_a_message_writes_at_most_4_kib_and_100_bytes_for_each_level_of_the_tree(
    measured: tuple[int, dict[str, Written]],
) -> None:
    members, written = measured
    assert {name: each.size for name, each in written.items() if not 0 < each.size <= bound(members)} == {}


def test_a_message_writes_the_same_few_rows_at_any_size_and_a_leafs_first_one_for_each_level(
    measured: tuple[int, dict[str, Written]],
) -> None:
    members, written = measured
    # a node for each level beside the leaf's path, the consumed one's deletion, and the other ratchet of the leaf
    first = math.ceil(math.log2(members)) + 2
    assert {name: each.rows for name, each in written.items()} == {
        FIRST_SENT: SENT_ROWS + first,
        LATER_SENT: SENT_ROWS,
        # the sender's path and the receiver's own share their root, which the first message has consumed
        FIRST_RECEIVED: RECEIVED_ROWS + first - 1,
        LATER_RECEIVED: RECEIVED_ROWS,
    }


def test_a_message_writes_no_public_state_of_its_group(measured: tuple[int, dict[str, Written]]) -> None:
    _, written = measured
    assert written[LATER_RECEIVED].tables == {"ratchets", "entries", "rooms"}
    assert written[LATER_SENT].tables == {"ratchets", "entries", "rooms", "outbox"}
    for first, later in ((FIRST_SENT, LATER_SENT), (FIRST_RECEIVED, LATER_RECEIVED)):
        assert written[first].tables == written[later].tables | {"secret_nodes"}


def test_a_commit_of_ones_own_writes_the_public_state_of_its_group_once(tmp_path: Path) -> None:
    store = CountedStore.of(tmp_path / "store.db")
    client = OneClient(store, SizedGroup.of(100))
    entry = client.stages()
    staged = store.one("SELECT length(staged) + length(tree_changes) FROM stages")
    client.takes(entry)
    state = store.one("SELECT epoch, length(group_state) FROM room_epochs")
    assert staged is not None
    assert state is not None
    assert state[0] == 2
    assert staged[0] < state[1] / 10
    store.close()


def test_a_commit_that_an_older_version_has_staged_comes_into_force(tmp_path: Path) -> None:
    store = CountedStore.of(tmp_path / "store.db")
    client = OneClient(store, SizedGroup.of(3))
    entry, row = client.stages(), stages.of_room(store, ROOM)
    assert row is not None
    assert row.stage is not None
    staged = StagedEpoch.decode(row.stage.staged)
    whole = stored_beginning(row.stage, client.room.epoch.group.tree).new
    old = replace(row.stage, staged=replace(staged, epoch=whole.encode()).encode(), tree_changes=None)
    with store.transaction() as tx:
        stages.put(tx, ROOM, row.intent, old)
    client.takes(entry)
    assert client.room.epoch.group == whole.group
    store.close()


def test_a_store_from_before_staged_trees_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    before = SCHEMA[: [script.name for script in SCHEMA].index("staged trees")]
    old = Store.open(path, KEY, schema=before)
    with old.transaction() as tx:
        tx.execute("INSERT INTO rooms VALUES (?, 'active', 0, x'', 0, 0, 0, 0, 0)", (ROOM,))
        tx.execute("INSERT INTO stages VALUES (?, x'01', x'02', x'03', x'04')", (ROOM,))
    old.close()
    store = Store.open(path, KEY)
    row = stages.of_room(store, ROOM)
    assert row is not None
    assert row.stage == StageRow(b"\x02", b"\x03", b"\x04", None)
    store.close()


class KeysSeen:
    """A Trace that notes every key that a message was sealed or opened with."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def derived(self, name: str, value: bytes, *sources: str) -> None:
        assert sources
        if name == "message_key":
            self.keys.append(value)

    def step(self, name: str, **details: object) -> None:
        pass


def all_values(store: Store) -> bytes:
    """Every value of every row of every table, one behind the other."""
    tables = [name for (name,) in store.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
    values = (value for name in tables for row in store.all(f"SELECT * FROM {name}") for value in row)  # noqa: S608 own names
    return b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


@dataclass
class Secrets:
    """The secrets that a store has ever held for deriving keys of messages, and where."""

    nodes: dict[int, bytes] = field(default_factory=dict)
    ratchets: dict[tuple[int, int, int], bytes] = field(default_factory=dict)

    def note(self, store: Store) -> None:
        """What is stored now."""
        self.nodes |= dict(store.all("SELECT node, secret FROM secret_nodes"))
        for leaf, kind, row in store.all("SELECT leaf, kind, ratchet FROM ratchets"):
            ratchet = Ratchet.decode(row)
            self.ratchets[leaf, kind, ratchet.generation] = ratchet.secret

    def consumed(self, width: int) -> set[bytes]:
        """Those that a message has consumed: above a leaf that was used, and before a ratchet's newest generation."""
        used = {leaf for leaf, _, _ in self.ratchets}
        above = {node for leaf in used for node in (2 * leaf, *direct_path(2 * leaf, width))}
        newest = {(leaf, kind): generation for leaf, kind, generation in sorted(self.ratchets)}
        return {secret for node, secret in self.nodes.items() if node in above} | {
            secret for (*of, generation), secret in self.ratchets.items() if generation < newest[of[0], of[1]]
        }

    def left(self, width: int) -> set[bytes]:
        """The others, which are needed still."""
        return {*self.nodes.values(), *self.ratchets.values()} - self.consumed(width)


def test_used_keys_are_nowhere_in_what_is_saved(tmp_path: Path) -> None:
    seen, secrets = KeysSeen(), Secrets()
    store = CountedStore.of(tmp_path / "store.db")
    client = OneClient(store, SizedGroup.of(5), seen)
    for message in (client.sends, client.sends, lambda: client.receives(client.others_entry())):
        secrets.note(store)
        message()
    secrets.note(store)
    # two of the other's get lost: the keys that were theirs are passed, and gone as well
    _, _, third = (client.others_entry() for _ in range(3))
    before = StoredKeys(store, ROOM).ratchet(client.group.other.group.own_leaf, RatchetKind.APPLICATION)
    assert before is not None
    passed = list(_keys_from(before, 3))
    client.receives(third)
    secrets.note(store)
    used, unused = secrets.consumed(8) | {*seen.keys, *passed}, secrets.left(8)
    assert len(seen.keys) == 4
    assert passed[-2] == seen.keys[-1]
    store.scrub()
    for saved in (all_values(store), pages_in_clear(store.path, KEY.reveal())):
        assert [secret.hex() for secret in used if secret in saved] == []
        assert all(secret in saved for secret in unused)
    store.close()


def _keys_from(ratchet: Ratchet, count: int) -> Iterator[bytes]:
    """Keys and nonces of a ratchet's next generations, and the secrets between them."""
    secret = ratchet.secret
    for generation in range(ratchet.generation, ratchet.generation + count):
        yield secret
        yield ROOM_SUITE.derive_tree_secret(secret, "key", generation, ROOM_SUITE.aead.key_size)
        yield ROOM_SUITE.derive_tree_secret(secret, "nonce", generation, ROOM_SUITE.aead.nonce_size)
        secret = ROOM_SUITE.derive_tree_secret(secret, "secret", generation, ROOM_SUITE.secret_size)

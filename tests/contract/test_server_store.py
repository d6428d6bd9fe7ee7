"""What every database must do for the server: one body of tests, on SQLite in memory and in a file, and PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from entrenous.server.store import (
    Statement,
    Transaction,
    accounts,
    create_tables,
    ensure_schema,
    group_states,
    inbox,
    invites,
    key_packages,
    log,
    rooms,
    rosters,
    shared_engine,
    sqlite_engine,
)
from entrenous.server.store.accounts import AccountRow, CredentialRow, DeviceRow, NewAccount
from entrenous.server.store.key_packages import Package
from entrenous.server.store.schema import cursors
from entrenous.wire.replies import GroupState
from entrenous.wire.types import Entry, KsfParameters, RoomHead
from postgres import PrivatePostgres

ALICE, BOB, ROOM, OTHER = (bytes([n]) * 16 for n in (1, 2, 8, 9))
PHONE, LAPTOP, BOBS = (bytes([n]) * 16 for n in (11, 12, 21))
KSF = KsfParameters(65_536, 3, 4)
NOW = 1_000


def memory(_request: pytest.FixtureRequest) -> Engine:
    engine = sqlite_engine(None)
    with engine.connect() as connection:
        create_tables(connection)
    return engine


def file(request: pytest.FixtureRequest) -> Engine:
    engine = sqlite_engine(request.getfixturevalue("tmp_path") / "server.db")
    ensure_schema(engine)
    return engine


def postgresql(request: pytest.FixtureRequest) -> Engine:
    return shared_engine(request.getfixturevalue("contract_database"))


@pytest.fixture(scope="session")
def contract_database(postgres: PrivatePostgres) -> str:
    """One for all tests here: what each of them does is undone."""
    return postgres.database()


@pytest.fixture(params=[memory, file, postgresql], ids=["memory", "file", "postgresql"])
def tx(request: pytest.FixtureRequest) -> Iterator[Transaction]:
    """An open transaction with two accounts, of which Alice has two devices."""
    engine: Engine = request.param(request)
    with engine.connect() as connection:
        transaction = Transaction(connection.connection.cursor(), engine.dialect)
        transaction.control("BEGIN")
        for account, name, devices in ((ALICE, "Alice", (PHONE, LAPTOP)), (BOB, "bob", (BOBS,))):
            accounts.add(transaction, new_account(account, name))
            for device in devices:
                accounts.add_device(transaction, account, device, device * 2, 100)
        yield transaction
        transaction.control("ROLLBACK")
    engine.dispose()


def new_account(account: bytes, name: str) -> NewAccount:
    return NewAccount(
        id=account,
        login_name=name,
        name_key=name.lower(),
        identity_key=account * 2,
        password_record=b"password record",
        recovery_record=b"recovery record",
        ksf=KSF,
        device_list=b"list 1",
        device_list_version=1,
        vault=b"vault 1",
        vault_version=1,
        created_at=100,
    )


def make_room(tx: Transaction, room: bytes = ROOM, *members: bytes) -> None:
    rooms.create(tx, room, ALICE, 3_600, 100)
    for account in (ALICE, *members):
        rosters.add(tx, room, account, may_manage=account == ALICE, added_at=0, readable_after=0, now=100)


def append(tx: Transaction, sequence: int, body: bytes = b"body", at: int = 1_000, room: bytes = ROOM) -> Entry:
    entry = Entry(sequence, sequence.to_bytes(12, "big"), body, at)
    log.append(tx, [log.Line(room, PHONE, entry, 10)])
    return entry


def test_accounts_are_found_by_id_and_by_name(tx: Transaction) -> None:
    row = AccountRow(ALICE, "Alice", ALICE * 2, b"list 1", 1, disabled=False)
    assert accounts.by_id(tx, ALICE) == accounts.by_name(tx, "alice") == row
    assert accounts.by_id(tx, OTHER) is accounts.by_name(tx, "Alice") is None
    found = CredentialRow(ALICE, b"password record", b"recovery record", KSF)
    for decoy in (bytes(16), b"\xff" * 16):  # before every id, and after it
        assert accounts.credentials(tx, "carol", decoy=decoy) is None
        assert accounts.credentials(tx, "alice", decoy=decoy) == found


def test_device_lists_and_vaults_are_compared_and_set(tx: Transaction) -> None:
    assert not accounts.set_device_list(tx, ALICE, b"list 3", expected=2, version=3)
    assert accounts.set_device_list(tx, ALICE, b"list 2", expected=1, version=2)
    found = accounts.by_id(tx, ALICE)
    assert found is not None
    assert (found.device_list, found.device_list_version) == (b"list 2", 2)
    assert not accounts.set_vault(tx, ALICE, b"vault 3", expected=2)
    assert accounts.set_vault(tx, ALICE, b"vault 2", expected=1)
    assert accounts.vault(tx, ALICE) == (b"vault 2", 2)
    assert accounts.vault(tx, BOB) == (b"vault 1", 1)


def test_a_device_is_its_accounts_and_its_counter_only_grows(tx: Transaction) -> None:
    assert accounts.device(tx, ALICE, PHONE) == DeviceRow(
        PHONE * 2, 0, "Alice", disabled=False, device_list_version=1, vault_version=1, blocked=False
    )
    assert accounts.device(tx, BOB, PHONE) is None
    assert [accounts.launch(tx, PHONE, counter, 200) for counter in (1, 1, 3, 2, 4)] == [True, False, True, False, True]
    assert not accounts.launch(tx, OTHER, 1, 200)
    assert sorted(accounts.device_ids(tx, ALICE)) == [PHONE, LAPTOP]
    asked = [(ALICE, PHONE), (BOB, PHONE), (BOB, BOBS), (ALICE, OTHER)]
    assert accounts.listed(tx, asked) == {(ALICE, PHONE), (BOB, BOBS)}


def test_a_removed_device_takes_its_key_packages_cursor_and_inbox_along(tx: Transaction) -> None:
    make_room(tx)
    append(tx, 1)
    key_packages.add(tx, PHONE, [Package(b"one", NOW)])
    inbox.add(tx, ROOM, 1, [(PHONE, b"welcome"), (LAPTOP, b"welcome")])
    log.acknowledge(tx, ROOM, PHONE, 1)
    accounts.remove_device(tx, PHONE)
    assert accounts.device_ids(tx, ALICE) == [LAPTOP]
    assert (key_packages.count(tx, PHONE), inbox.counts(tx, [PHONE, LAPTOP])) == (0, {LAPTOP: 1})
    assert not accounts.device_exists(tx, PHONE)
    # What it published stays, and stays published.
    assert log.published(tx, [(PHONE, (1).to_bytes(12, "big"))])


def test_an_invite_is_used_up_and_expires(tx: Transaction) -> None:
    invites.add(tx, b"hash", uses=2, expires_at=200, created_by=ALICE, created_at=100)
    assert [invites.use(tx, b"hash", now) for now in (199, 200, 150, 151)] == [True, False, True, False]
    assert not invites.is_valid(tx, b"hash", 150)
    assert not invites.use(tx, b"none", 150)
    invites.add(tx, b"other", uses=1, expires_at=300, created_by=ALICE, created_at=100)
    assert [invites.count_by(tx, ALICE, now) for now in (199, 200, 300)] == [2, 1, 0]
    assert [invites.purge(tx, now) for now in (150, 299, 300)] == [1, 0, 1]


def test_key_packages_are_claimed_in_their_order_and_the_last_resort_stays(tx: Transaction) -> None:
    assert key_packages.claim(tx, PHONE) is None
    key_packages.add(tx, PHONE, [Package(b"one", NOW), Package(b"two", NOW)])
    key_packages.add(tx, LAPTOP, [Package(b"other", NOW)])
    key_packages.set_last_resort(tx, PHONE, Package(b"old", NOW))
    key_packages.set_last_resort(tx, PHONE, Package(b"last", NOW))
    assert key_packages.count(tx, PHONE) == 2
    claimed = [key_packages.claim(tx, PHONE) for _ in range(4)]
    assert claimed == [(b"one", False), (b"two", False), (b"last", True), (b"last", True)]
    assert key_packages.claim(tx, LAPTOP) == (b"other", False)


def test_key_packages_whose_time_is_over_go_and_the_others_stay(tx: Transaction) -> None:
    ends = [(b"one", NOW - 1), (b"two", NOW), (b"three", NOW + 1)]
    key_packages.add(tx, PHONE, [Package(*each) for each in ends])
    key_packages.add(tx, LAPTOP, [Package(*each) for each in ends])
    key_packages.set_last_resort(tx, PHONE, Package(b"last", NOW - 1))
    key_packages.drop_expired(tx, PHONE, NOW)
    assert [key_packages.count(tx, device) for device in (PHONE, LAPTOP)] == [2, 3]
    assert [key_packages.claim(tx, PHONE) for _ in range(3)] == [(b"two", False), (b"three", False), None]
    assert [key_packages.purge(tx, now) for now in (NOW, NOW, NOW + 2)] == [1, 0, 2]


def test_a_log_gives_back_what_was_appended_within_bounds(tx: Transaction) -> None:
    make_room(tx)
    written = [append(tx, sequence, bytes(100)) for sequence in range(1, 11)]
    assert log.fetch(tx, ROOM, 0, 10, limit=100, size=10_000) == tuple(written)
    assert log.fetch(tx, ROOM, 3, 5, limit=100, size=10_000) == tuple(written[3:5])
    assert log.fetch(tx, ROOM, 3, 10, limit=2, size=10_000) == tuple(written[3:5])
    assert log.fetch(tx, ROOM, 3, 10, limit=100, size=250) == tuple(written[3:5])
    # One entry always fits: who asks can always go on.
    assert log.fetch(tx, ROOM, 3, 10, limit=100, size=1) == tuple(written[3:4])
    assert log.fetch(tx, ROOM, 10, 10, limit=100, size=1) == log.fetch(tx, OTHER, 0, 10, limit=100, size=1) == ()


def test_where_a_room_stands_tells_when_its_newest_entry_came(tx: Transaction) -> None:
    make_room(tx)
    times = []
    for sequence, at in ((1, 500), (2, 600)):
        found = rooms.standing(tx, ROOM, ALICE)
        assert found is not None
        times.append(found.newest_at)
        append(tx, sequence, at=at)
    found = rooms.standing(tx, ROOM, ALICE)
    assert found is not None
    assert [*times, found.newest_at] == [0, 500, 600]


def test_a_message_id_is_remembered_per_device(tx: Transaction) -> None:
    make_room(tx)
    make_room(tx, OTHER)
    one, two, three = (number.to_bytes(12, "big") for number in (1, 2, 3))
    append(tx, 1)
    append(tx, 2, room=OTHER)
    asked = [(PHONE, one), (LAPTOP, one), (PHONE, two), (LAPTOP, two), (PHONE, three)]
    assert log.published(tx, asked) == {(PHONE, one): log.Sent(ROOM, 1), (PHONE, two): log.Sent(OTHER, 2)}
    assert log.published(tx, []) == {}


def test_a_room_stands_where_its_log_and_its_commits_are(tx: Transaction) -> None:
    make_room(tx)
    for sequence in (1, 2, 3):
        append(tx, sequence)
    log.mark_commit(tx, ROOM, 2, 7_200)
    rosters.add(tx, ROOM, BOB, may_manage=False, added_at=2, readable_after=1, now=100)
    standing = rooms.standing(tx, ROOM, BOB)
    assert standing is not None
    assert (standing.newest, standing.newest_commit, standing.retention_seconds) == (3, 2, 7_200)
    assert (standing.readable_from, standing.readable_to, standing.is_member) == (2, 3, True)
    assert rooms.standing(tx, OTHER, BOB) is rooms.standing(tx, ROOM, OTHER) is None
    assert (rooms.creator(tx, ROOM), rooms.creator(tx, OTHER)) == (ALICE, None)
    assert rooms.heads(tx, BOB) == (RoomHead(ROOM, 3, 2, 2, may_manage=False, removed_at=None),)
    rosters.remove(tx, ROOM, [BOB], at=1, now=100)
    assert rooms.heads(tx, BOB) == (RoomHead(ROOM, 1, 1, 2, may_manage=False, removed_at=1),)


def in_room(tx: Transaction, room: bytes) -> list[bytes]:
    return [member.account for member in rosters.every(tx, room)]


def test_rosters_count_members_and_forget_the_removed_in_time(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    make_room(tx, OTHER)
    assert in_room(tx, ROOM) == [ALICE, BOB]
    assert (rosters.count_members(tx, ROOM), rosters.count_rooms(tx, ALICE)) == (2, 2)
    assert rosters.rooms_of(tx, BOB) == {ROOM: 0}
    assert accounts.share_a_room(tx, ALICE, BOB)
    rosters.set_managers(tx, ROOM, {BOB: True}, now=150)
    standing = rooms.standing(tx, ROOM, BOB)
    assert standing is not None
    assert standing.may_manage
    assert rosters.parties(tx, ROOM, [ALICE, BOB, OTHER]) == {ALICE: True, BOB: True}
    assert rosters.parties(tx, OTHER, [BOB]) == {BOB: False}
    assert rosters.count_rooms_of_each(tx, [ALICE, BOB, OTHER]) == {ALICE: 2, BOB: 1}
    rosters.set_managers(tx, ROOM, {ALICE: False}, now=160)
    assert {member.account: member.may_manage for member in rosters.every(tx, ROOM)} == {ALICE: False, BOB: True}
    rosters.remove(tx, ROOM, [BOB], at=5, now=200)
    assert rosters.parties(tx, ROOM, [ALICE, BOB]) == {ALICE: True, BOB: False}
    assert rosters.count_rooms_of_each(tx, [BOB]) == {}
    assert (in_room(tx, ROOM), rosters.count_members(tx, ROOM), rosters.rooms_of(tx, BOB)) == ([ALICE], 1, {})
    assert not accounts.share_a_room(tx, ALICE, BOB)
    removed = rooms.standing(tx, ROOM, BOB)
    assert removed is not None
    assert (removed.removed_at, removed.may_manage) == (5, False)
    assert [rosters.forget_removed(tx, before) for before in (200, 201)] == [0, 1]
    assert rooms.standing(tx, ROOM, BOB) is None
    rosters.add_all(tx, OTHER, [BOB], may_manage=False, added_at=3, readable_after=2, now=300)
    assert (in_room(tx, OTHER), in_room(tx, ROOM)) == ([ALICE, BOB], [ALICE])


def test_cursors_only_move_forward(tx: Transaction) -> None:
    make_room(tx)
    for sequence in (1, 5, 3, 6):
        log.acknowledge(tx, ROOM, PHONE, sequence)
    assert tx.all(Statement(select(cursors.c.sequence))) == [(6,)]


def test_inboxes_are_read_in_order_and_dropped_from_the_front(tx: Transaction) -> None:
    make_room(tx)
    for sequence in (1, 2, 3):
        inbox.add(tx, ROOM, sequence, [(PHONE, bytes(100)), (BOBS, b"for bob")])
    items = inbox.fetch(tx, PHONE, 0, limit=100, size=10_000)
    assert [(item.room, item.sequence) for item in items] == [(ROOM, 1), (ROOM, 2), (ROOM, 3)]
    assert inbox.fetch(tx, PHONE, items[0].id, limit=1, size=10_000) == items[1:2]
    assert inbox.fetch(tx, PHONE, 0, limit=100, size=1) == items[:1]
    inbox.drop(tx, PHONE, items[1].id)
    assert inbox.fetch(tx, PHONE, 0, limit=100, size=10_000) == items[2:]
    inbox.forget(tx, ROOM, 3)
    assert inbox.counts(tx, [PHONE, BOBS, LAPTOP]) == {PHONE: 1, BOBS: 1}


def test_ids_of_inbox_items_never_come_back(tx: Transaction) -> None:
    make_room(tx)
    inbox.add(tx, ROOM, 1, [(PHONE, b"first")])
    first = inbox.fetch(tx, PHONE, 0, limit=1, size=100)[0]
    inbox.drop(tx, PHONE, first.id)
    inbox.add(tx, ROOM, 2, [(PHONE, b"second")])
    assert inbox.fetch(tx, PHONE, first.id, limit=1, size=100)[0].welcome == b"second"


def states(tx: Transaction, trees: dict[int, bytes | None]) -> None:
    previous = 0
    for sequence, tree in trees.items():
        info, change = b"info %d" % sequence, b"change %d" % sequence
        if tree is None:
            size, changes = group_states.growth(tx, ROOM, previous, len(info), len(change))
        else:
            size, changes = len(info) + len(tree), 0
        group_states.add(tx, ROOM, sequence, (info, change, tree), size=size, changes=changes)
        previous = sequence


def test_a_group_state_is_its_info_the_last_tree_and_the_changes_since(tx: Transaction) -> None:
    make_room(tx)
    states(tx, {0: b"tree 0", 2: None, 5: b"tree 5", 6: None, 9: None})
    assert group_states.fetch(tx, ROOM, 0) == GroupState(b"info 0", b"tree 0", ())
    assert group_states.fetch(tx, ROOM, 2) == GroupState(b"info 2", b"tree 0", (b"change 2",))
    assert group_states.fetch(tx, ROOM, 5) == GroupState(b"info 5", b"tree 5", ())
    assert group_states.fetch(tx, ROOM, 9) == GroupState(b"info 9", b"tree 5", (b"change 6", b"change 9"))
    assert group_states.fetch(tx, ROOM, 3) is group_states.fetch(tx, OTHER, 0) is None


def test_the_growth_of_a_state_is_the_size_of_its_answer(tx: Transaction) -> None:
    make_room(tx)
    states(tx, {0: b"tree 0", 2: None, 5: None})
    size, changes = group_states.growth(tx, ROOM, 5, 6, 8)
    group_states.add(tx, ROOM, 7, (b"info 7", b"change 7", None), size=size, changes=changes)
    answer = group_states.fetch(tx, ROOM, 7)
    assert answer is not None
    assert size == len(answer.group_info) + len(answer.tree) + sum(map(len, answer.node_changes))
    assert changes == len(answer.node_changes) == 3


@pytest.mark.parametrize(
    ("first", "kept"), [(1, [0, 2, 5, 6, 9]), (3, [5, 6, 9]), (6, [5, 6, 9]), (7, [5, 6, 9]), (99, [5, 6, 9])]
)
def test_purging_keeps_the_newest_state_and_every_tree_that_a_kept_one_needs(
    tx: Transaction, first: int, kept: list[int]
) -> None:
    make_room(tx)
    states(tx, {0: b"tree 0", 2: None, 5: b"tree 5", 6: None, 9: None})
    group_states.purge(tx, ROOM, first, 9)
    assert [n for n in range(10) if group_states.fetch(tx, ROOM, n) is not None] == kept


def test_a_row_that_points_nowhere_is_refused(tx: Transaction) -> None:
    for orphan in (
        lambda: append(tx, 1, room=OTHER),
        lambda: rosters.add(tx, OTHER, ALICE, may_manage=False, added_at=0, readable_after=0, now=0),
        lambda: key_packages.add(tx, OTHER, [Package(b"one", NOW)]),
        lambda: inbox.add(tx, OTHER, 1, [(PHONE, b"welcome")]),
    ):
        tx.control("SAVEPOINT attempt")
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            orphan()
        tx.control("ROLLBACK TO attempt")


def test_a_sequence_number_is_used_once(tx: Transaction) -> None:
    make_room(tx)
    append(tx, 1)
    tx.control("SAVEPOINT attempt")
    with pytest.raises(Exception, match=r"(?i)unique"):
        append(tx, 1)
    tx.control("ROLLBACK TO attempt")

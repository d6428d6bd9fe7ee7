"""What every database must do for operators: lists and counts, locking and deleting, quotas, the audit log."""

from contract.test_server_store import (
    ALICE,
    BOB,
    BOBS,
    LAPTOP,
    NOW,
    OTHER,
    PHONE,
    ROOM,
    append,
    contract_database,
    make_room,
    new_account,
    tx,
)
from entrenous.server import Settings, SystemClock
from entrenous.server.audit import START, Action, Deed
from entrenous.server.audit import append as append_deed
from entrenous.server.configuration.limits import Rate
from entrenous.server.operating import Admin, opened, verify
from entrenous.server.people.quotas import kept_bytes
from entrenous.server.store import (
    Storage,
    Transaction,
    accounts,
    attempts,
    audit,
    ensure_schema,
    inbox,
    invites,
    key_packages,
    log,
    operators,
    overview,
    quotas,
    rooms,
    rosters,
    shared_engine,
    swept,
)
from entrenous.server.store.key_packages import Package
from entrenous.server.store.operators import DELETED_NAME
from entrenous.server.store.quotas import NONE, Quota
from entrenous.server.store.swept import SweptRow
from entrenous.server.upkeep import sweep
from postgres import PrivatePostgres

__all__ = ["contract_database", "tx"]  # the fixtures: what is done here is undone there


def test_accounts_and_devices_are_listed_in_pages(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    assert [user.login_name for user in overview.users(tx, "", 9)] == ["Alice", "bob"]
    assert [user.login_name for user in overview.users(tx, "alice", 9)] == ["bob"]
    alice = overview.user(tx, ALICE)
    assert alice == overview.user_named(tx, "alice")
    assert alice is not None
    assert (alice.rooms, alice.devices, alice.last_seen, alice.is_disabled, alice.deleted_at) == (
        1,
        2,
        100,
        False,
        None,
    )
    assert overview.user(tx, OTHER) is overview.user_named(tx, "Alice") is None
    key_packages.add(tx, PHONE, [Package(b"one", NOW)])
    key_packages.set_last_resort(tx, PHONE, Package(b"last", NOW))
    inbox.add(tx, ROOM, 1, [(PHONE, b"welcome")])
    phone = overview.device(tx, PHONE)
    assert phone is not None
    assert (phone.login_name, phone.key_packages, phone.waiting_welcomes, phone.is_blocked) == ("Alice", 1, 1, False)
    assert {each.device for each in overview.devices_of(tx, ALICE)} == {PHONE, LAPTOP}
    assert [each.device for each in overview.devices_after(tx, PHONE, 9)] == [LAPTOP, BOBS]
    assert overview.device(tx, OTHER) is None


def test_rooms_are_listed_by_their_sizes(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    append(tx, 1, b"12345", at=7_999)
    append(tx, 2, b"123", at=9_000)
    (room,) = overview.rooms_after(tx, b"", 9)
    assert room == overview.room(tx, ROOM)
    assert (room.members, room.managers, room.newest, room.entries, room.bytes, room.newest_at) == (2, 1, 2, 2, 8, 9)
    assert overview.rooms_after(tx, ROOM, 9) == ()
    assert overview.room(tx, OTHER) is None
    assert overview.newest_time(tx) == 100


def test_everything_is_counted(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    append(tx, 1, b"12345")
    operators.set_disabled(tx, BOB, is_disabled=True)
    counts = {name: overview.count(tx, name) for name in overview.COUNTS}
    assert (counts["accounts"], counts["accounts_disabled"], counts["devices"]) == (2, 1, 3)
    assert (counts["rooms"], counts["memberships"], counts["entries"], counts["entry_bytes"]) == (1, 2, 1, 5)
    assert (counts["message_ids_remembered"], counts["group_state_bytes"]) == (1, 0)
    assert [overview.devices_seen_since(tx, since) for since in (100, 101)] == [3, 0]


def test_an_account_is_locked_and_let_in_again(tx: Transaction) -> None:
    for is_disabled in (True, False):
        assert operators.set_disabled(tx, BOB, is_disabled=is_disabled)
        found = accounts.by_id(tx, BOB)
        assert found is not None
        assert found.disabled is is_disabled
        assert operators.set_blocked(tx, BOBS, is_blocked=is_disabled)
        device = accounts.device(tx, BOB, BOBS)
        assert device is not None
        assert device.blocked is is_disabled
    assert not operators.set_disabled(tx, OTHER, is_disabled=True)
    assert not operators.set_blocked(tx, OTHER, is_blocked=True)


def test_of_a_deleted_account_what_rooms_need_is_left_and_goes_with_the_last_of_them(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    invites.add(tx, OTHER * 2, uses=1, expires_at=NOW, created_by=BOB, created_at=1)
    invites.add(tx, ROOM * 2, uses=1, expires_at=NOW, created_by=None, created_at=1)
    assert operators.delete_account(tx, BOB, 500)
    assert not operators.delete_account(tx, BOB, 500)
    assert not operators.set_disabled(tx, BOB, is_disabled=False)
    left = overview.user(tx, BOB)
    assert left is not None
    assert (left.login_name, left.is_disabled, left.deleted_at, left.devices, left.rooms) == (
        DELETED_NAME,
        True,
        500,
        0,
        1,
    )
    assert accounts.by_name(tx, "bob") is None
    assert accounts.vault(tx, BOB) == (b"", 1)
    assert [each.created_by for each in overview.invites_after(tx, b"", 9)] == [None]
    accounts.add(tx, new_account(OTHER, "bob"))
    assert operators.forget_deleted(tx) == 0
    rosters.remove(tx, ROOM, [BOB], at=1, now=600)
    assert rosters.forget_removed(tx, 601) == 1
    assert operators.forget_deleted(tx) == 1
    assert overview.user(tx, BOB) is None


def test_a_room_is_deleted_with_all_that_is_in_it(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    make_room(tx, OTHER)
    append(tx, 1)
    inbox.add(tx, ROOM, 1, [(BOBS, b"welcome")])
    log.acknowledge(tx, ROOM, PHONE, 1)
    assert operators.delete_room(tx, ROOM)
    assert not operators.delete_room(tx, ROOM)
    counts = {name: overview.count(tx, name) for name in overview.COUNTS}
    assert (counts["rooms"], counts["entries"], counts["inbox_items"], counts["cursors"]) == (1, 0, 0, 0)
    assert counts["message_ids_remembered"] == 0
    assert rooms.standing(tx, ROOM, BOB) is None


def test_rooms_that_hold_nobody_are_found_a_page_at_a_time(tx: Transaction) -> None:
    accounts.add(tx, new_account(OTHER, "carol"))
    for number in range(5):
        make_room(tx, bytes([100 + number]) * 16)
    for number in (0, 3, 4):
        rosters.add(tx, bytes([100 + number]) * 16, BOB, may_manage=False, added_at=0, readable_after=0, now=1)
    operators.delete_account(tx, ALICE, 500)
    after: bytes | None = b""
    deleted = pages = 0
    while after is not None:
        after, count = operators.delete_empty_rooms(tx, after, limit=2)
        deleted, pages = deleted + count, pages + 1
    assert (deleted, pages) == (2, 3)
    assert [each.room[0] for each in overview.rooms_after(tx, b"", 9)] == [100, 103, 104]


def test_whoever_was_removed_leaves_no_place_behind(tx: Transaction) -> None:
    make_room(tx, ROOM, BOB)
    log.acknowledge(tx, ROOM, BOBS, 1)
    log.acknowledge(tx, ROOM, PHONE, 1)
    rosters.remove(tx, ROOM, [BOB], at=1, now=200)
    assert [rosters.forget_removed(tx, before, limit=1) for before in (200, 201, 201)] == [0, 1, 0]
    assert overview.count(tx, "cursors") == 1


def test_quotas_are_kept_by_account_and_bytes_added_up_by_page(tx: Transaction) -> None:
    assert quotas.of_account(tx, BOB) == NONE
    assert quotas.rooms_allowed(tx, BOB, 7) == 7
    quotas.put(tx, BOB, Quota(2, None))
    quotas.put(tx, ALICE, Quota(None, 1 << 40))
    assert quotas.rooms_allowed(tx, BOB, 7) == 2
    assert quotas.rooms_allowed_each(tx, [ALICE, BOB, ROOM]) == {BOB: 2}
    assert quotas.with_bytes(tx) == [(ALICE, 1 << 40)]
    quotas.put(tx, ALICE, NONE)
    assert quotas.with_bytes(tx) == []
    make_room(tx, ROOM)
    for sequence in range(1, 6):
        append(tx, sequence, bytes(10))
    key_packages.add(tx, PHONE, [Package(b"123", NOW)])
    assert quotas.kept_beside_entries(tx, ALICE) == len(b"vault 1") + 3
    after: bytes | None = b""
    total = pages = 0
    while after is not None:
        after, size = quotas.kept_entries(tx, PHONE, after, limit=2)
        total, pages = total + size, pages + 1
    assert (total, pages) == (50, 3)
    assert quotas.kept_entries(tx, BOBS, b"", limit=2) == (None, 0)


def test_the_audit_log_is_numbered_without_gaps(tx: Transaction) -> None:
    before = audit.newest_number(tx)
    first = append_deed(tx, Deed("somebody", Action.BACKUP, detail="one"), 1.5)
    second = append_deed(tx, Deed("somebody", Action.RESTORE, "ab", "two"), 2.5)
    assert (first.number, second.number, second.at_ms) == (before + 1, before + 2, 2_500)
    assert audit.after(tx, before, limit=9) == (first, second)
    assert audit.newest(tx) == second
    assert START not in (first.digest, second.digest)


def test_what_was_swept_adds_up(tx: Transaction) -> None:
    for deleted, now in ((2, 10), (0, 20), (3, 30)):
        swept.count(tx, "entries", deleted, now)
    swept.count(tx, "invites", 0, 30)
    assert swept.every(tx) == (SweptRow("entries", 5, 30), SweptRow("invites", 0, 30))


async def test_an_operator_works_on_a_store_that_nodes_share(postgres: PrivatePostgres) -> None:
    url = postgres.database()
    engine = shared_engine(url)
    ensure_schema(engine)
    storage = Storage(engine)

    def people(tx: Transaction) -> None:
        for account, name, device in ((ALICE, "Alice", PHONE), (BOB, "bob", BOBS)):
            accounts.add(tx, new_account(account, name))
            accounts.add_device(tx, account, device, device * 2, 100)
        make_room(tx, ROOM, BOB)
        append(tx, 1)

    await storage.write(people, rooms=[ROOM], devices=[PHONE])
    async with opened(Settings(data_dir=None, store=url)) as beside:
        admin = Admin(beside, SystemClock(), "operator")
        await admin.set_disabled(await admin.user("alice"), is_disabled=True)
        await admin.set_blocked(await admin.find_device(BOBS.hex()), is_blocked=True)
        await admin.set_quota(await admin.user("bob"), Quota(1, 2))
        assert await kept_bytes(beside, ALICE) == len(b"vault 1") + len(b"body")
        await admin.delete_room(await admin.find_room(ROOM.hex()))
        await admin.delete_user(await admin.user("bob"))
        assert [user.login_name async for user in admin.users()] == [DELETED_NAME, "Alice"]
        assert (await sweep(beside, SystemClock()))["deleted_accounts"] == 1
        verdict = await verify(beside)
        assert (verdict.rows, verdict.broken_at) == (5, None)
    assert await storage.read(audit.newest_number) == 5
    await storage.close()


def test_attempts_at_a_name_are_counted_and_refilled(tx: Transaction) -> None:
    rate = Rate(3, 60.0)
    assert [attempts.take(tx, ROOM, rate, 1_000.0) for _ in range(5)] == [0, 0, 0, 20, 20]
    assert attempts.take(tx, OTHER, rate, 1_000.0) == 0
    assert attempts.take(tx, ROOM, rate, 1_019.0) == 1
    assert attempts.take(tx, ROOM, rate, 1_020.0) == 0
    # Long silence earns no more than one burst; a clock that was ahead, or goes back, costs no more than its window.
    assert [attempts.take(tx, ROOM, rate, 9_000.0) for _ in range(4)] == [0, 0, 0, 20]
    assert attempts.take(tx, ROOM, rate, 500.0) == 20
    assert attempts.take(tx, ROOM, rate, 9_020.0) == 0
    attempts.forget(tx, ROOM)
    assert [attempts.take(tx, ROOM, rate, 9_020.0) for _ in range(4)] == [0, 0, 0, 20]


def test_attempts_that_hold_nobody_back_any_more_are_deleted(tx: Transaction) -> None:
    for number in range(5):
        attempts.take(tx, bytes([number]) * 16, Rate(2, 60.0), 1_000.0 + number)
    assert attempts.purge(tx, 1_029.0, limit=10) == 0
    assert attempts.purge(tx, 1_033.0, limit=2) == 2
    assert attempts.purge(tx, 1_033.0, limit=10) == 2
    assert attempts.purge(tx, 1_034.0, limit=10) == 1


def test_attempts_are_counted_under_any_rate(tx: Transaction) -> None:
    for number, rate in enumerate((Rate(10**16, 1e-6), Rate(1, 1e16), Rate(10**16, 1e16))):
        assert attempts.take(tx, bytes([number]) * 16, rate, 1e9) == 0

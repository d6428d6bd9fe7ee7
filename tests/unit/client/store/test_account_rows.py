from collections.abc import Iterator
from pathlib import Path

import pytest

from entrenous.client.keyfile import StoreKey
from entrenous.client.store import Store, account, contacts, key_packages, server, vault
from entrenous.client.store.account import AccountRow, AccountState
from entrenous.client.store.contacts import Contact, Sighting
from entrenous.client.store.key_packages import KeyPackageRow
from entrenous.client.store.server import ServerRow
from entrenous.client.store.vault import VaultRoomRow, VaultRow
from entrenous.crypto import SigningSeed
from entrenous.errors import UsageError
from entrenous.identity import AccountCredential

ALICE, BOB = b"a" * 16, b"b" * 16
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store.db", StoreKey(bytes(32)))
    yield store
    store.close()


def row(name: str, state: AccountState = AccountState.PENDING) -> AccountRow:
    seeds = SigningSeed(b"i" * 32), SigningSeed(b"l" * 32), SigningSeed(b"m" * 32)
    return AccountRow(state, ALICE, b"d" * 16, name, *seeds, b"list", 1)


def test_an_empty_profile_has_nobody_and_nothing_to_log_in_with(store: Store) -> None:
    assert account.get(store) is None
    assert server.get(store) is None
    assert vault.get(store) is None
    assert vault.recovery_code(store) is None
    with pytest.raises(UsageError), store.transaction() as tx:
        account.next_launch_counter(tx)


def test_a_pending_account_gives_way_to_another_attempt_and_an_active_one_to_nothing(store: Store) -> None:
    with store.transaction() as tx:
        account.put(tx, row("first"))
        contacts.see(tx, BOB, KEY, 1)
        account.forget_pending(tx)
        account.put(tx, row("second"))
    assert contacts.every(store) == []
    assert account.get(store) == row("second")
    with store.transaction() as tx:
        account.activate(tx)
    assert account.get(store) == row("second", AccountState.ACTIVE)
    with store.transaction() as tx:
        account.forget_pending(tx)
    with pytest.raises(UsageError), store.transaction() as tx:
        account.put(tx, row("third"))
    assert account.get(store) == row("second", AccountState.ACTIVE)


def test_launches_count_from_one_and_a_new_attempt_counts_anew(store: Store) -> None:
    with store.transaction() as tx:
        account.put(tx, row("alice"))
        assert [account.next_launch_counter(tx) for _ in range(3)] == [1, 2, 3]
        account.forget_pending(tx)
        account.put(tx, row("alice"))
        assert account.next_launch_counter(tx) == 1


def test_names_and_device_lists_change_in_place(store: Store) -> None:
    with store.transaction() as tx:
        account.put(tx, row("alice"))
        account.rename(tx, "alicia")
        account.put_device_list(tx, b"newer", 2)
    found = account.get(store)
    assert found is not None
    assert (found.login_name, found.device_list, found.device_list_version) == ("alicia", b"newer", 2)


def test_a_server_is_pinned_once_and_its_address_and_key_may_change(store: Store) -> None:
    with store.transaction() as tx:
        server.put(tx, ServerRow(b"s" * 32, KEY, "host", 7443, 1))
        server.put_address(tx, "::1", 1)
        server.put_identity_key(tx, OTHER_KEY)
    assert server.get(store) == ServerRow(b"s" * 32, OTHER_KEY, "::1", 1, 1)


def test_the_recovery_code_is_kept_until_it_was_shown(store: Store) -> None:
    with store.transaction() as tx:
        vault.put(tx, VaultRow(KEY, b"wraps", 1), b"r" * 16)
    assert vault.recovery_code(store) == b"r" * 16
    with store.transaction() as tx:
        vault.put_version(tx, 2)
        vault.forget_recovery_code(tx)
    assert vault.recovery_code(store) is None
    assert vault.get(store) == VaultRow(KEY, b"wraps", 2)


def test_the_vault_keeps_the_newest_word_on_each_room(store: Store) -> None:
    first, second = VaultRoomRow(b"1" * 16, KEY, 1, 1, 1), VaultRoomRow(b"2" * 16, KEY, 1, 1, 1)
    newer = VaultRoomRow(b"1" * 16, OTHER_KEY, 2, 5, 9)
    with store.transaction() as tx:
        for one in (second, first, newer):
            vault.put_room(tx, one)
    assert vault.rooms(store) == [newer, second]
    with store.transaction() as tx:
        vault.delete_room(tx, b"1" * 16)
    assert vault.rooms(store) == [second]


def test_a_contact_is_pinned_at_first_sight_and_another_key_waits_to_be_accepted(store: Store) -> None:
    with store.transaction() as tx:
        assert contacts.see(tx, BOB, KEY, 10) is Sighting.FIRST
        assert contacts.see(tx, BOB, KEY, 20) is Sighting.KNOWN
        contacts.set_verified(tx, BOB, verified=True)
        assert contacts.see(tx, BOB, OTHER_KEY, 30) is Sighting.CHANGED
    assert contacts.get(store, BOB) == Contact(BOB, KEY, OTHER_KEY, "", True, False, 10)
    with store.transaction() as tx:
        contacts.accept(tx, BOB)
        contacts.accept(tx, BOB)  # nothing is offered any more
    assert contacts.get(store, BOB) == Contact(BOB, OTHER_KEY, None, "", False, False, 10)
    assert contacts.get(store, ALICE) is None


def test_first_sight_of_somebody_a_link_named_is_no_leap_of_faith(store: Store) -> None:
    fingerprint = AccountCredential(BOB, KEY).fingerprint()
    with store.transaction() as tx:
        contacts.hear_of(tx, BOB, 1, expected=fingerprint)
        contacts.hear_of(tx, BOB, 2, expected=b"other")  # the first word counts
        assert contacts.see(tx, BOB, OTHER_KEY, 3) is Sighting.CHANGED
        assert contacts.see(tx, BOB, KEY, 4) is Sighting.FIRST
        assert contacts.see(tx, BOB, KEY, 5) is Sighting.KNOWN
    assert contacts.get(store, BOB) == Contact(BOB, KEY, None, "", False, False, 1)


def test_a_key_that_is_not_the_links_can_still_be_accepted(store: Store) -> None:
    with store.transaction() as tx:
        contacts.hear_of(tx, BOB, 1, expected=AccountCredential(BOB, KEY).fingerprint())
        contacts.see(tx, BOB, OTHER_KEY, 3)
        contacts.accept(tx, BOB)
        assert contacts.see(tx, BOB, OTHER_KEY, 4) is Sighting.KNOWN


def test_somebody_only_heard_of_is_pinned_at_first_sight(store: Store) -> None:
    with store.transaction() as tx:
        contacts.hear_of(tx, BOB, 1)
        assert contacts.see(tx, BOB, KEY, 2) is Sighting.FIRST
        assert contacts.see(tx, BOB, OTHER_KEY, 2) is Sighting.CHANGED


def test_a_name_belongs_to_one_contact_at_a_time(store: Store) -> None:
    with store.transaction() as tx:
        contacts.see(tx, ALICE, KEY, 1)
        contacts.see(tx, BOB, KEY, 2)
        contacts.put_name(tx, ALICE, "sam")
        contacts.put_name(tx, BOB, "sam")
        contacts.set_blocked(tx, ALICE, blocked=True)
    found = contacts.by_name(store, "sam")
    assert found is not None
    assert found.account_id == BOB
    assert [(one.login_name, one.is_blocked) for one in contacts.every(store)] == [("", True), ("sam", False)]
    assert contacts.by_name(store, "nobody") is None


def test_contacts_come_back_from_a_vault_as_they_were(store: Store) -> None:
    contact = Contact(BOB, KEY, None, "bob", True, True, 5)
    with store.transaction() as tx:
        contacts.restore(tx, contact)
    assert contacts.every(store) == [contact]


def packages(*names: bytes, last_resort: bool = False, made_at: int = 100) -> list[KeyPackageRow]:
    return [KeyPackageRow(name, b"bundle " + name, last_resort, made_at, made_at + 1000) for name in names]


def test_a_key_package_is_gone_once_used(store: Store) -> None:
    one, two = packages(b"1", b"2")
    with store.transaction() as tx:
        key_packages.add(tx, [one, two])
        key_packages.use(tx, b"1", 150)
    assert key_packages.get(store, b"1") is None
    assert key_packages.get(store, b"2") == two


def test_the_last_resort_package_stays_when_used_and_asks_to_be_replaced(store: Store) -> None:
    (last,) = packages(b"L", last_resort=True)
    with store.transaction() as tx:
        key_packages.add(tx, [last])
        assert key_packages.newest_last_resort(tx) is None  # the server has not got it yet
        key_packages.mark_uploaded(tx, [b"L"])
        assert key_packages.newest_last_resort(tx) == 100
        key_packages.use(tx, b"L", 150)
        assert key_packages.newest_last_resort(tx) is None
    assert key_packages.get(store, b"L") == last


def test_purging_takes_the_expired_and_what_was_replaced_long_ago(store: Store) -> None:
    old, new = packages(b"old", made_at=100)[0], packages(b"new", made_at=500)[0]
    former, last = packages(b"former", b"last", last_resort=True, made_at=500)
    with store.transaction() as tx:
        key_packages.add(tx, [old, new, former, last])
        key_packages.mark_uploaded(tx, [b"former", b"last"])
        key_packages.replace_last_resort(tx, b"last", 600)
        key_packages.purge(tx, expired_before=1101, replaced_before=600)
    assert [name for name in (b"old", b"new", b"former", b"last") if key_packages.get(store, name)] == [
        b"new",
        b"former",
        b"last",
    ]
    with store.transaction() as tx:
        key_packages.purge(tx, expired_before=0, replaced_before=601)
    assert key_packages.get(store, b"former") is None
    assert key_packages.newest_last_resort(store) == 500


def test_private_parts_do_not_print() -> None:
    printed = repr(packages(b"1")) + repr(VaultRow(KEY, b"wraps", 1)) + repr(row("alice"))
    assert "bundle" not in printed
    assert "kkkk" not in printed
    assert "iiii" not in printed

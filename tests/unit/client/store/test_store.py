import os
import random
import shutil
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from client_pages import pages_in_clear
from entrenous.client.keyfile import StoreKey
from entrenous.client.store import SCHEMA, Script, Store, Transaction
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UnavailableError, UsageError

KEY = StoreKey(bytes(range(32)))
TABLE = (Script("things", ("CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB UNIQUE) STRICT",)),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def bodies(store: Store) -> list[bytes]:
    return [row[0] for row in store.all("SELECT body FROM things ORDER BY id")]


def put(store: Store, *values: bytes) -> None:
    with store.transaction() as tx:
        for value in values:
            tx.execute("INSERT INTO things (body) VALUES (?)", (value,))


def put_then_fail(tx: Transaction) -> None:
    tx.execute("INSERT INTO things (body) VALUES (?)", (b"lost",))
    raise UsageError("after writing")


def test_what_a_transaction_wrote_is_there_after_opening_again(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"one", b"two")
    store.close()
    store = Store.open(path, KEY, schema=TABLE)
    assert bodies(store) == [b"one", b"two"]
    assert store.one("SELECT body FROM things WHERE id = ?", (2,)) == (b"two",)
    assert store.one("SELECT body FROM things WHERE id = 3") is None
    store.close()


def test_a_transaction_that_fails_changes_nothing(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"one")
    with pytest.raises(UsageError), store.transaction() as tx:
        put_then_fail(tx)
    assert bodies(store) == [b"one"]
    put(store, b"two")
    assert bodies(store) == [b"one", b"two"]
    store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_dies_inside_a_transaction_leaves_what_was_committed(path: Path) -> None:
    child = os.fork()
    if child == 0:
        store = Store.open(path, KEY, schema=TABLE)
        put(store, b"kept")
        with store.transaction() as tx:
            tx.execute("INSERT INTO things (body) VALUES (?)", (b"lost",))
            os._exit(0)
    os.waitpid(child, 0)
    store = Store.open(path, KEY, schema=TABLE)
    assert bodies(store) == [b"kept"]
    store.close()


def test_nested_transactions_and_use_after_the_end_are_our_own_bugs(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    with store.transaction() as tx:
        with pytest.raises(UsageError, match="open already"), store.transaction():
            pass
        with pytest.raises(UsageError):
            store.scrub()
        row_id = tx.insert("INSERT INTO things (body) VALUES (?)", (b"one",))
        tx.many("INSERT INTO things (body) VALUES (?)", [(b"two",), (b"three",)])
        assert tx.one("SELECT body FROM things WHERE id = ?", (row_id,)) == (b"one",)
        assert len(tx.all("SELECT * FROM things")) == 3
    with pytest.raises(UsageError, match="has ended"):
        tx.execute("DELETE FROM things")
    store.close()
    store.close()
    with pytest.raises(UsageError, match="closed"):
        store.all("SELECT 1")


@pytest.mark.parametrize(
    "sql", ["INSERT INTO things (body) VALUES (x'01')", "SELEC 1", "INSERT INTO things VALUES (?)"]
)
def test_a_statement_that_breaks_a_rule_ends_in_our_errors_and_the_store_lives_on(path: Path, sql: str) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"\x01")
    with pytest.raises(EntrenousError), store.transaction() as tx:
        tx.execute(sql)
    assert bodies(store) == [b"\x01"]
    store.close()


def test_a_full_disk_is_unavailable_and_loses_nothing_that_was_committed(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"kept")
    pages = store.one("PRAGMA page_count")
    assert pages is not None
    store.one(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(UnavailableError):
        put(store, bytes(100_000))
    assert bodies(store) == [b"kept"]
    store.close()


def test_a_wrong_key_is_a_crypto_error_and_says_nothing_else(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Store.open(path, KEY, schema=TABLE).close()
    with pytest.raises(CryptoError):
        Store.open(path, StoreKey(bytes(32)), schema=TABLE)
    assert capfd.readouterr().err == ""
    with pytest.raises(UsageError):
        Store.open(path, StoreKey(b"short"), schema=TABLE)


def test_a_second_opening_is_unavailable_while_the_first_lasts(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"one")
    with pytest.raises(UnavailableError):
        Store.open(path, KEY, schema=TABLE)
    store.close()
    Store.open(path, KEY, schema=TABLE).close()


def test_a_directory_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        Store.open(tmp_path / "none" / "store.db", KEY)


def test_the_settings_that_keep_messages_safe_are_in_force(path: Path) -> None:
    store = Store.open(path, KEY)
    names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "temp_store", "locking_mode")
    assert [row[0] for name in names for row in store.all(f"PRAGMA {name}")] == ["wal", 2, 1, 1, 2, "exclusive"]
    store.close()


def test_scripts_run_once_each_and_in_order(path: Path) -> None:
    Store.open(path, KEY, schema=TABLE).close()
    more = (
        *TABLE,
        Script("colour", ("ALTER TABLE things ADD COLUMN colour TEXT", "INSERT INTO things VALUES (1, x'', 'red')")),
    )
    for _ in range(2):
        store = Store.open(path, KEY, schema=more)
        assert store.all("SELECT colour FROM things") == [("red",)]
        assert store.one("PRAGMA user_version") == (2,)
        store.close()


def test_a_script_that_fails_leaves_the_store_as_it_was(path: Path) -> None:
    Store.open(path, KEY, schema=TABLE).close()
    broken = (*TABLE, Script("broken", ("CREATE TABLE fine (id INTEGER)", "CREATE TABLE things (id INTEGER)")))
    with pytest.raises(EntrenousError):
        Store.open(path, KEY, schema=broken)
    store = Store.open(path, KEY, schema=TABLE)
    assert store.one("SELECT name FROM sqlite_master WHERE name = 'fine'") is None
    store.close()


def test_a_store_of_a_newer_version_is_refused_with_what_to_do(path: Path) -> None:
    Store.open(path, KEY, schema=(*TABLE, Script("later", ("CREATE TABLE later (id INTEGER)",)))).close()
    with pytest.raises(RejectedError, match="upgrade") as caught:
        Store.open(path, KEY, schema=TABLE)
    assert caught.value.rule == "STORE-NEWER"


def test_the_product_schema_is_strict_everywhere(path: Path) -> None:
    store = Store.open(path, KEY, schema=SCHEMA)
    tables = store.all("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    assert {"account", "server", "vault", "contacts", "key_packages"} <= {name for name, _ in tables}
    store.close()


def test_a_damaged_file_says_so(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, *(bytes([number]) * 3000 for number in range(20)))
    store.close()
    data = bytearray(path.read_bytes())
    data[6 * 4096 + 100] ^= 1
    path.write_bytes(data)
    store = Store.open(path, KEY, schema=TABLE)
    with pytest.raises(MalformedError, match="damaged"):
        bodies(store)
    store.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_store_and_its_log_are_their_owners_alone(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"one")
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "store.db": 0o600,
        "store.db-wal": 0o600,
    }
    store.close()


def test_nothing_readable_stands_in_the_files(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"a sentence that nobody else should read")
    for file in path.parent.iterdir():
        assert b"a sentence" not in file.read_bytes()
        assert not file.read_bytes().startswith(b"SQLite format 3")
    store.close()


def test_a_used_key_is_on_no_page_after_scrubbing_and_an_unused_one_is(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    chance = random.Random(7)
    keys = [chance.randbytes(32) for _ in range(600)]
    put(store, *keys)
    for number, key in enumerate(keys[:500]):
        with store.transaction() as tx:
            if number % 2:
                tx.execute("DELETE FROM things WHERE body = ?", (key,))
            else:  # as a ratchet goes on: one row, another key
                tx.execute("UPDATE things SET body = ? WHERE body = ?", (chance.randbytes(32 + number % 7 * 100), key))
    store.scrub()
    clear = pages_in_clear(path, KEY.reveal())
    assert [key.hex() for key in keys[:500] if key in clear] == []
    assert all(key in clear for key in keys[500:])
    store.close()


def test_whoever_scrubs_is_told_of_each_transaction_also_of_one_that_failed(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    told: list[bool] = []
    store.on_write = lambda: told.append(store._in_transaction)
    put(store, b"one")
    with pytest.raises(UsageError), store.transaction() as tx:
        put_then_fail(tx)
    assert told == [False, False]  # so it may scrub at once
    store.close()


def test_what_a_process_that_died_has_deleted_is_gone_after_the_next_ones_first_scrub(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"k" * 32)
    with store.transaction() as tx:
        tx.execute("DELETE FROM things")
    left = path.with_name("left.db")  # as a process leaves them that ends at once
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{left}{suffix}")
    store.close()
    assert b"k" * 32 in pages_in_clear(left, KEY.reveal())
    store = Store.open(left, KEY, schema=TABLE)
    store.scrub()  # it has written nothing itself
    assert b"k" * 32 not in pages_in_clear(left, KEY.reveal())
    store.close()


def test_closing_scrubs_too_and_leaves_no_log(path: Path) -> None:
    store = Store.open(path, KEY, schema=TABLE)
    put(store, b"k" * 32)
    with store.transaction() as tx:
        tx.execute("DELETE FROM things")
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]
    assert b"k" * 32 not in pages_in_clear(path, KEY.reveal())


def test_the_search_for_keys_would_find_one(path: Path) -> None:
    connection = sqlcipher.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{KEY.reveal().hex()}'\"")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE things (body BLOB)")
    connection.execute("INSERT INTO things VALUES (?)", (b"k" * 32,))
    connection.execute("DELETE FROM things")
    assert b"k" * 32 in pages_in_clear(path, KEY.reveal())
    connection.close()

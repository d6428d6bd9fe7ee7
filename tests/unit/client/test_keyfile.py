import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrenous.client.keyfile import (
    KeyFile,
    PasswordKey,
    PlainKey,
    StoreKey,
    create_store_key,
    load_store_key,
    needs_password,
    write_store_key,
)
from entrenous.crypto import Argon2Parameters
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UnavailableError

FAST = Argon2Parameters(memory_kib=32, iterations=1, lanes=1)


def made(path: Path, password: bytes | None = None) -> StoreKey:
    return create_store_key(path, password=password, entropy=os.urandom, parameters=FAST)


def test_the_plain_form_is_the_default_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    key = made(path)
    assert load_store_key(path, password=None) == key
    assert not needs_password(path)
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_password_wraps_the_key_which_then_is_nowhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    key = made(path, b"correct horse")
    assert needs_password(path)
    assert key.reveal() not in path.read_bytes()
    assert load_store_key(path, password=b"correct horse") == key


def test_a_wrong_password_is_a_crypto_error(tmp_path: Path) -> None:
    made(tmp_path / "store.key", b"right")
    with pytest.raises(CryptoError):
        load_store_key(tmp_path / "store.key", password=b"wrong")


def test_a_protected_key_without_a_password_says_that_one_is_needed(tmp_path: Path) -> None:
    made(tmp_path / "store.key", b"right")
    with pytest.raises(RejectedError) as caught:
        load_store_key(tmp_path / "store.key", password=None)
    assert caught.value.rule == "PROFILE-PASSWORD"


def test_a_password_can_be_set_changed_and_dropped_and_the_key_stays(tmp_path: Path) -> None:
    path = tmp_path / "store.key"
    key = made(path)
    for password in (b"first", b"second", None):
        write_store_key(path, key, password=password, entropy=os.urandom, parameters=FAST)
        assert load_store_key(path, password=password) == key
        assert needs_password(path) == (password is not None)
    assert [file.name for file in tmp_path.iterdir()] == ["store.key"]


def test_an_existing_key_is_never_overwritten_by_making_one(tmp_path: Path) -> None:
    key = made(tmp_path / "store.key")
    with pytest.raises(RejectedError) as caught:
        made(tmp_path / "store.key")
    assert caught.value.rule == "PROFILE-KEY-EXISTS"
    assert load_store_key(tmp_path / "store.key", password=None) == key


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_use_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "store.key"
    made(path)
    path.chmod(mode)
    with pytest.raises(RejectedError, match="chmod 600") as caught:
        load_store_key(path, password=None)
    assert caught.value.rule == "PROFILE-KEY-FILE"


def test_a_missing_file_and_an_unwritable_place_are_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        load_store_key(tmp_path / "none", password=None)
    with pytest.raises(UnavailableError):
        made(tmp_path / "no such directory" / "store.key")


def test_a_leftover_of_a_crashed_write_does_not_stop_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "store.key.new").write_bytes(b"half")
    key = made(tmp_path / "store.key")
    assert load_store_key(tmp_path / "store.key", password=None) == key


def written(path: Path, body: PlainKey | PasswordKey) -> Path:
    path.write_bytes(KeyFile(b"ENTRKEY1", body).encode())
    path.chmod(0o600)
    return path


def test_parameters_that_would_exhaust_the_machine_are_refused_before_they_run(tmp_path: Path) -> None:
    body = PasswordKey(1 << 31, 3, 4, bytes(16), bytes(12), bytes(48))
    with pytest.raises(RejectedError) as caught:
        load_store_key(written(tmp_path / "store.key", body), password=b"x")
    assert caught.value.rule == "AUTH-KSF-CEILING"


def test_parameters_that_argon2id_does_not_have_are_malformed(tmp_path: Path) -> None:
    body = PasswordKey(32, 0, 0, bytes(16), bytes(12), bytes(48))
    with pytest.raises(MalformedError):
        load_store_key(written(tmp_path / "store.key", body), password=b"x")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(b"ENTRKEY1".__add__)))
def test_hostile_files_end_in_one_of_our_errors(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "store.key"
    path.write_bytes(data)
    path.chmod(0o600)
    try:
        load_store_key(path, password=None)
    except EntrenousError:
        return
    assert KeyFile.decode(data).encode() == data


@pytest.mark.parametrize("place", [0, 8, 12, 30, 45, 60, -1])
def test_any_changed_byte_of_a_protected_file_opens_nothing(tmp_path: Path, place: int) -> None:
    path = tmp_path / "store.key"
    made(path, b"right")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(EntrenousError):
        load_store_key(path, password=b"right")


def test_the_key_prints_in_neither_form() -> None:
    assert repr(PlainKey(b"k" * 32)) == "PlainKey(32 bytes)"
    assert "k" * 4 not in repr(KeyFile(b"ENTRKEY1", PlainKey(b"k" * 32)))
    assert repr(StoreKey(b"k" * 32)) == "StoreKey(32 bytes)"

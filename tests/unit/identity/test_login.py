import dataclasses
from typing import Any

import pytest

from entrenous.errors import CryptoError, UsageError
from entrenous.identity import (
    DeviceLoginTBS,
    Label,
    opaque_context,
    sign_device_login,
    signed,
    verify_device_login,
)
from identity_people import device

PHONE = device(11)
BODY = DeviceLoginTBS(b"\x01" * 32, b"\x02" * 32, b"\x03" * 16, PHONE.device_id, 7)
PROOF = sign_device_login(
    PHONE,
    handshake_hash=BODY.handshake_hash,
    server_id=BODY.server_id,
    account_id=BODY.account_id,
    launch_counter=BODY.launch_counter,
)


def test_a_device_proves_itself_on_its_channel() -> None:
    verify_device_login(PHONE.login.public, BODY, PROOF)


CHANGES: dict[str, Any] = {
    "handshake_hash": b"\x09" * 32,
    "server_id": b"\x09" * 32,
    "account_id": b"\x09" * 16,
    "device_id": b"\x09" * 16,
    "launch_counter": 8,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_proof_is_good_for_nothing_else(name: str) -> None:
    changed = dataclasses.replace(BODY, **{name: CHANGES[name]})
    with pytest.raises(CryptoError):
        verify_device_login(PHONE.login.public, changed, PROOF)


def test_every_field_of_the_proof_is_tried() -> None:
    assert set(CHANGES) == {field.name for field in dataclasses.fields(BODY)}


def test_neither_another_device_nor_the_mls_key_logs_in() -> None:
    for key in (device(12).login.public, PHONE.mls.public):
        with pytest.raises(CryptoError):
            verify_device_login(key, BODY, PROOF)


def test_a_signature_under_another_label_does_not_log_in() -> None:
    with pytest.raises(CryptoError):
        verify_device_login(PHONE.login.public, BODY, PHONE.login.sign(signed(Label.EPHEMERAL, BODY)))


def test_a_hash_of_the_wrong_size_is_our_bug() -> None:
    with pytest.raises(UsageError):
        sign_device_login(PHONE, handshake_hash=b"", server_id=bytes(32), account_id=bytes(16), launch_counter=1)


def test_a_password_login_is_bound_to_suite_and_channel() -> None:
    contexts = {opaque_context(suite, channel) for suite in (1, 2) for channel in (bytes(32), b"\x01" * 32)}
    assert len(contexts) == 4
    assert opaque_context(1, bytes(32)) in contexts
    with pytest.raises(UsageError):
        opaque_context(1, bytes(31))

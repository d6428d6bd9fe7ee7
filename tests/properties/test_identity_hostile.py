"""Any bytes and any text end in a value or in one of our own errors, and every wire type has one encoding per value."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.codec import Struct
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.identity import (
    AccountCredential,
    InviteLink,
    LeafCertificate,
    RecoveryCode,
    ServerCertificate,
    ServerIdentityKey,
    SignedDeviceList,
    StoredVault,
    VaultBody,
    first_device_list,
    format_link,
    format_recovery_code,
    issue_certificate,
    issue_leaf_certificate,
    parse_linking_code,
    parse_recovery_code,
    parse_vault,
    password_bytes,
    sign_device_list,
    verify_certificate,
    verify_device_list,
    verify_leaf,
)
from entrenous.identity.link import InvitePayload
from identity_people import account, device

ALICE, PHONE = account(1), device(11)
DEVICES = first_device_list(ALICE.account_id, PHONE.entry)
SERVER = ServerIdentityKey(account(9).signing_key)

#: One honest message of each kind.
HONEST = {
    "certificate": issue_certificate(SERVER, suite=1, static_key=bytes(32), not_after=10),
    "device list": sign_device_list(ALICE, DEVICES),
    "leaf": issue_leaf_certificate(ALICE, DEVICES, PHONE.entry),
    "credential": ALICE.credential.encode(),
    "link": format_link(InviteLink("h", 1, bytes(32), bytes(16))).encode(),
}

#: Each judge, and the honest message it accepts.
JUDGES: dict[str, Callable[[bytes], object]] = {
    "certificate": lambda data: verify_certificate(data, suite=1, static_key=bytes(32), pin=None, now=0),
    "device list": lambda data: verify_device_list(data, ALICE.credential),
    "leaf": lambda data: verify_leaf(ALICE.credential.encode(), PHONE.mls.public, data),
    "credential": AccountCredential.decode,
    "vault": parse_vault,
}

STRUCTS: list[type[Struct]] = [
    ServerCertificate,
    SignedDeviceList,
    LeafCertificate,
    AccountCredential,
    StoredVault,
    VaultBody,
    InvitePayload,
]


@pytest.mark.parametrize("name", [name for name in JUDGES if name in HONEST])
def test_each_judge_accepts_its_own_message(name: str) -> None:
    assert JUDGES[name](HONEST[name]) is not None


@pytest.mark.parametrize("judge", JUDGES)
def test_a_message_of_one_kind_is_refused_as_any_other(judge: str) -> None:
    tried = 0
    for kind, message in HONEST.items():
        if kind != judge:
            tried += 1
            with pytest.raises((CryptoError, MalformedError, RejectedError)):
                JUDGES[judge](message)
    assert tried >= 4


@pytest.mark.parametrize("judge", JUDGES)
@given(data=st.binary(max_size=400), cut=st.integers(0, 300), kind=st.sampled_from(sorted(HONEST)))
def test_hostile_bytes_end_in_our_own_errors(judge: str, data: bytes, cut: int, kind: str) -> None:
    for hostile in (data, HONEST[kind][:cut] + data):
        try:
            JUDGES[judge](hostile)
        except (CryptoError, MalformedError, RejectedError):
            continue


@pytest.mark.parametrize("message", STRUCTS)
@given(data=st.binary(max_size=300))
def test_every_value_has_one_encoding(message: type[Struct], data: bytes) -> None:
    try:
        value = message.decode(data)
    except MalformedError:
        return
    assert value.encode() == data


@given(st.text(max_size=300))
def test_any_text_is_read_or_malformed(text: str) -> None:
    for parse in (parse_recovery_code, parse_linking_code, password_bytes):
        try:
            assert parse(text) is not None
        except (MalformedError, RejectedError):
            continue


@given(st.binary(min_size=16, max_size=16))
def test_every_recovery_code_comes_back(value: bytes) -> None:
    code = RecoveryCode(value)
    assert parse_recovery_code(format_recovery_code(code)) == code

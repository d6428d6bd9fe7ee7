import dataclasses

import pytest

from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.identity import (
    MAX_DEVICES,
    MAX_REVOKED,
    DeviceEntry,
    DeviceList,
    Label,
    SignedDeviceList,
    check_list,
    check_successor,
    first_device_list,
    sign_device_list,
    signed,
    verify_device_list,
)
from identity_people import account, device

ALICE = account(1)
PHONE, LAPTOP, TABLET = (device(number).entry for number in (11, 12, 13))
FIRST = first_device_list(ALICE.account_id, PHONE)
SECOND = FIRST.adding(LAPTOP)


def entry(number: int) -> DeviceEntry:
    """A device with keys of its own, without the cost of making them."""
    return DeviceEntry(
        number.to_bytes(16, "big"), (2 * number).to_bytes(32, "big"), (2 * number + 1).to_bytes(32, "big")
    )


def rule_of(old: DeviceList, new: DeviceList) -> str:
    with pytest.raises(RejectedError) as caught:
        check_successor(old, new)
    return caught.value.rule


def list_rule(devices: DeviceList) -> str:
    with pytest.raises(RejectedError) as caught:
        check_list(devices)
    return caught.value.rule


def test_a_signed_list_comes_back() -> None:
    assert verify_device_list(sign_device_list(ALICE, SECOND), ALICE.credential) == SECOND


def test_lists_grow_and_revoke_step_by_step() -> None:
    third = SECOND.revoking(PHONE.device_id)
    assert (third.version, third.devices, third.revoked) == (3, (LAPTOP,), (PHONE.device_id,))
    for old, new in ((FIRST, SECOND), (SECOND, third)):
        check_successor(old, new)
    assert third.device(PHONE.device_id) is None
    assert third.device(LAPTOP.device_id) == LAPTOP


def test_a_revoked_device_never_comes_back() -> None:
    third = SECOND.revoking(PHONE.device_id)
    with pytest.raises(RejectedError) as caught:
        third.adding(PHONE)
    assert caught.value.rule == "ID-LIST-REVOKED"
    returned = dataclasses.replace(third, version=4, devices=(LAPTOP, PHONE), revoked=())
    assert rule_of(third, returned) == "ID-LIST-REVOKED"


def test_versions_follow_each_other() -> None:
    assert rule_of(FIRST, FIRST) == "ID-LIST-VERSION"
    assert rule_of(FIRST, dataclasses.replace(SECOND, version=3)) == "ID-LIST-VERSION"
    assert rule_of(SECOND, FIRST) == "ID-LIST-VERSION"


def test_a_list_never_follows_another_accounts() -> None:
    assert rule_of(FIRST, dataclasses.replace(SECOND, account_id=bytes(16))) == "ID-LIST-ACCOUNT"


def test_a_device_does_not_vanish_unrevoked() -> None:
    assert rule_of(SECOND, dataclasses.replace(SECOND, version=3, devices=(LAPTOP,))) == "ID-LIST-LOST"


def test_a_device_keeps_its_keys() -> None:
    changed = dataclasses.replace(PHONE, login_key=TABLET.login_key)
    assert rule_of(FIRST, dataclasses.replace(FIRST, version=2, devices=(changed,))) == "ID-LIST-KEYS"


def test_a_new_device_brings_new_keys() -> None:
    heir = dataclasses.replace(TABLET, mls_key=PHONE.mls_key)
    heirs = DeviceList(ALICE.account_id, 2, (heir,), (PHONE.device_id,))
    check_list(heirs)
    assert rule_of(FIRST, heirs) == "ID-LIST-KEYS"


def test_a_list_names_nothing_twice() -> None:
    same_key = dataclasses.replace(LAPTOP, login_key=PHONE.mls_key)
    two_roles = dataclasses.replace(PHONE, login_key=PHONE.mls_key)
    for devices in ((PHONE, PHONE), (PHONE, same_key), (two_roles,)):
        assert list_rule(dataclasses.replace(FIRST, devices=devices)) == "ID-LIST-DUPLICATE"
    assert list_rule(dataclasses.replace(FIRST, revoked=(bytes(16),) * 2)) == "ID-LIST-DUPLICATE"


def test_a_listed_device_is_not_revoked() -> None:
    assert list_rule(dataclasses.replace(FIRST, revoked=(PHONE.device_id,))) == "ID-LIST-REVOKED"


def test_versions_begin_with_one() -> None:
    assert list_rule(dataclasses.replace(FIRST, version=0)) == "ID-LIST-VERSION"


def test_a_list_has_room_for_its_limit_and_no_more() -> None:
    full = DeviceList(ALICE.account_id, 1, tuple(entry(n) for n in range(1, MAX_DEVICES + 1)), ())
    assert verify_device_list(sign_device_list(ALICE, full), ALICE.credential) == full
    with pytest.raises(RejectedError) as caught:
        full.adding(entry(MAX_DEVICES + 1))
    assert caught.value.rule == "ID-LIST-FULL"
    retired = DeviceList(ALICE.account_id, 1, (PHONE,), tuple(n.to_bytes(16, "big") for n in range(MAX_REVOKED)))
    check_list(retired)
    with pytest.raises(RejectedError) as caught:
        retired.revoking(PHONE.device_id)
    assert caught.value.rule == "ID-LIST-FULL"


def test_bytes_beyond_the_limit_are_malformed() -> None:
    body = FIRST.encode()
    devices = b"".join(entry(n).encode() for n in range(MAX_DEVICES + 1))
    length = (0x4000 | len(devices)).to_bytes(2, "big")
    with pytest.raises(MalformedError):
        DeviceList.decode(body[:20] + length + devices + b"\x00")


def test_an_unknown_device_cannot_be_revoked() -> None:
    with pytest.raises(RejectedError) as caught:
        FIRST.revoking(LAPTOP.device_id)
    assert caught.value.rule == "ID-LIST-UNKNOWN"


def test_a_server_cannot_sign_a_list() -> None:
    server = account(9)
    body = signed(Label.DEVICE_LIST, SECOND)
    with pytest.raises(CryptoError):
        verify_device_list(SignedDeviceList(SECOND, server.signing_key.sign(body)).encode(), ALICE.credential)


def test_a_server_cannot_add_a_ghost_or_revoke_a_device() -> None:
    message = SignedDeviceList.decode(sign_device_list(ALICE, SECOND))
    for forged in (SECOND.adding(TABLET), SECOND.revoking(PHONE.device_id)):
        with pytest.raises(CryptoError):
            verify_device_list(SignedDeviceList(forged, message.signature).encode(), ALICE.credential)


def test_a_signature_under_another_label_is_no_signature() -> None:
    wrong = ALICE.signing_key.sign(signed(Label.LEAF_CERTIFICATE, SECOND))
    with pytest.raises(CryptoError):
        verify_device_list(SignedDeviceList(SECOND, wrong).encode(), ALICE.credential)


def test_a_list_of_another_account_is_refused_on_both_sides() -> None:
    with pytest.raises(RejectedError):
        sign_device_list(account(2), FIRST)
    with pytest.raises(RejectedError) as caught:
        verify_device_list(sign_device_list(ALICE, FIRST), account(2).credential)
    assert caught.value.rule == "ID-LIST-ACCOUNT"


def test_a_signed_list_that_breaks_a_rule_is_refused() -> None:
    broken = dataclasses.replace(FIRST, version=0)
    message = SignedDeviceList(broken, ALICE.signing_key.sign(signed(Label.DEVICE_LIST, broken)))
    with pytest.raises(RejectedError) as caught:
        verify_device_list(message.encode(), ALICE.credential)
    assert caught.value.rule == "ID-LIST-VERSION"
    with pytest.raises(RejectedError):
        sign_device_list(ALICE, broken)


def test_every_list_has_its_own_hash() -> None:
    lists = [FIRST, SECOND, SECOND.revoking(PHONE.device_id), dataclasses.replace(FIRST, account_id=bytes(16))]
    assert len({devices.hash() for devices in lists}) == len(lists)

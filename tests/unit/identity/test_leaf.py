import dataclasses
from typing import Any

import pytest

from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.identity import (
    LEAF_CERTIFICATE_EXTENSION,
    AccountCredential,
    Label,
    LeafCertificate,
    LeafOwner,
    LeafStanding,
    first_device_list,
    issue_leaf_certificate,
    leaf_standing,
    signed,
    verify_leaf,
)
from identity_people import account, device

ALICE, MALLORY = account(1), account(2)
PHONE, LAPTOP = device(11), device(12)
DEVICES = first_device_list(ALICE.account_id, PHONE.entry)
EXTENSION = issue_leaf_certificate(ALICE, DEVICES, PHONE.entry)
CREDENTIAL = ALICE.credential.encode()


def judge(extension: bytes = EXTENSION, credential: bytes = CREDENTIAL, key: bytes = PHONE.mls.public) -> LeafOwner:
    return verify_leaf(credential, key, extension)


def forged(**changed: Any) -> bytes:
    """A certificate with other fields, signed by the account all the same."""
    tbs = dataclasses.replace(LeafCertificate.decode(EXTENSION).tbs, **changed)
    return LeafCertificate(tbs, ALICE.signing_key.sign(signed(Label.LEAF_CERTIFICATE, tbs))).encode()


def rule_of(*arguments: Any, **named: Any) -> str:
    with pytest.raises(RejectedError) as caught:
        judge(*arguments, **named)
    return caught.value.rule


def test_a_leaf_names_its_owner() -> None:
    owner = judge()
    assert owner.credential == ALICE.credential
    assert (owner.device_id, owner.mls_key) == (PHONE.device_id, PHONE.mls.public)
    assert (owner.list_version, owner.list_hash) == (1, DEVICES.hash())


def test_the_extension_type_is_in_the_private_range() -> None:
    assert 0xF000 <= LEAF_CERTIFICATE_EXTENSION <= 0xFFFF


def test_a_certificate_is_for_one_signature_key() -> None:
    assert rule_of(key=LAPTOP.mls.public) == "ID-LEAF-KEY"
    assert rule_of(key=b"") == "ID-LEAF-KEY"


def test_a_certificate_is_for_one_account() -> None:
    stolen = AccountCredential(MALLORY.account_id, ALICE.signing_key.public).encode()
    assert rule_of(credential=stolen) == "ID-LEAF-ACCOUNT"


def test_nobody_certifies_leaves_for_another_identity_key() -> None:
    swapped = AccountCredential(ALICE.account_id, MALLORY.signing_key.public).encode()
    with pytest.raises(CryptoError):
        judge(credential=swapped)
    tbs = LeafCertificate.decode(EXTENSION).tbs
    ghost = LeafCertificate(tbs, MALLORY.signing_key.sign(signed(Label.LEAF_CERTIFICATE, tbs))).encode()
    with pytest.raises(CryptoError):
        judge(ghost)


def test_a_signature_of_another_label_does_not_certify() -> None:
    tbs = LeafCertificate.decode(EXTENSION).tbs
    with pytest.raises(CryptoError):
        judge(LeafCertificate(tbs, ALICE.signing_key.sign(signed(Label.DEVICE_LIST, tbs))).encode())


def test_no_certificate_is_of_version_zero() -> None:
    assert rule_of(forged(list_version=0)) == "ID-LEAF-VERSION"


def test_no_flipped_bit_survives() -> None:
    for position in range(len(EXTENSION)):
        broken = bytearray(EXTENSION)
        broken[position] ^= 1 << (position % 8)
        with pytest.raises((CryptoError, MalformedError, RejectedError)):
            judge(bytes(broken))


@pytest.mark.parametrize("bad", [b"", EXTENSION[:-1], EXTENSION + b"\x00"])
def test_other_sizes_are_malformed(bad: bytes) -> None:
    with pytest.raises(MalformedError):
        judge(bad)
    with pytest.raises(MalformedError):
        judge(credential=bad)


def test_only_listed_devices_of_the_own_account_get_a_certificate() -> None:
    for identity, entry in ((ALICE, LAPTOP.entry), (MALLORY, PHONE.entry)):
        with pytest.raises(RejectedError) as caught:
            issue_leaf_certificate(identity, DEVICES, entry)
        assert caught.value.rule == "ID-LEAF-DEVICE"


def test_a_leaf_stands_as_the_newest_list_says() -> None:
    newer = DEVICES.adding(LAPTOP.entry)
    assert leaf_standing(judge(), DEVICES) is LeafStanding.LISTED
    assert leaf_standing(judge(), newer) is LeafStanding.LISTED
    assert leaf_standing(judge(), newer.revoking(PHONE.device_id)) is LeafStanding.REVOKED


def test_a_withheld_list_shows() -> None:
    newer = DEVICES.adding(LAPTOP.entry)
    owner = verify_leaf(CREDENTIAL, LAPTOP.mls.public, issue_leaf_certificate(ALICE, newer, LAPTOP.entry))
    assert leaf_standing(owner, DEVICES) is LeafStanding.WITHHELD
    assert leaf_standing(owner, newer) is LeafStanding.LISTED


def test_two_lists_of_one_version_show() -> None:
    assert leaf_standing(judge(forged(list_hash=bytes(32))), DEVICES) is LeafStanding.FORKED


def test_a_ghost_device_shows() -> None:
    newer = DEVICES.adding(LAPTOP.entry)
    ghost = judge(forged(device_id=bytes(16)))
    other_key = judge(forged(device_id=LAPTOP.device_id))
    assert leaf_standing(ghost, newer) is LeafStanding.UNKNOWN
    assert leaf_standing(other_key, newer) is LeafStanding.UNKNOWN


def test_a_leaf_is_never_compared_with_another_accounts_list() -> None:
    with pytest.raises(RejectedError) as caught:
        leaf_standing(judge(), first_device_list(MALLORY.account_id, PHONE.entry))
    assert caught.value.rule == "ID-LIST-ACCOUNT"

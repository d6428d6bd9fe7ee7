import dataclasses
from typing import Any

import pytest

from entrenous.crypto import SigningKey
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.identity import (
    MAX_ROTATIONS,
    RotationStatement,
    ServerCertificate,
    ServerIdentity,
    ServerIdentityKey,
    issue_certificate,
    verify_certificate,
)
from entrenous.identity.certificate import RotationTBS, ServerCertificateTBS
from entrenous.identity.labels import Label, signed

STATIC = b"\x05" * 32
NOT_AFTER = 1_800_000_000
NOW = NOT_AFTER - 3600


def key(number: int) -> SigningKey:
    return SigningKey.from_seed(bytes([number]) * 32)


def rotated(times: int) -> ServerIdentityKey:
    identity = ServerIdentityKey(key(1))
    for number in range(times):
        identity = identity.rotate(key(2 + number))
    return identity


def issue(identity: ServerIdentityKey) -> bytes:
    return issue_certificate(identity, suite=1, static_key=STATIC, not_after=NOT_AFTER)


def judge(data: bytes, **changed: Any) -> ServerIdentity:
    arguments: dict[str, Any] = {"suite": 1, "static_key": STATIC, "pin": None, "now": NOW} | changed
    return verify_certificate(data, **arguments)


def forged(
    identity: ServerIdentityKey, signer: SigningKey, label: Label = Label.SERVER_CERTIFICATE, **changed: Any
) -> bytes:
    """A certificate with fields changed, signed by ``signer``."""
    tbs = dataclasses.replace(ServerCertificate.decode(issue(identity)).tbs, **changed)
    return ServerCertificate(tbs, signer.sign(signed(label, tbs))).encode()


def refused(data: bytes, **changed: Any) -> str:
    with pytest.raises(RejectedError) as caught:
        judge(data, **changed)
    return caught.value.rule


def test_an_issued_certificate_names_its_server() -> None:
    identity = ServerIdentityKey(key(1))
    assert judge(issue(identity), pin=identity.server_id) == ServerIdentity(identity.server_id, key(1).public, 0)


def test_a_client_without_a_pin_learns_the_server_id() -> None:
    assert judge(issue(rotated(0))).server_id == rotated(0).server_id


def test_the_server_id_outlives_rotations() -> None:
    first = ServerIdentityKey(key(1)).server_id
    for times in range(MAX_ROTATIONS + 1):
        identity = rotated(times)
        found = judge(issue(identity), pin=first)
        assert found == ServerIdentity(first, identity.signing_key.public, times)


def test_rotations_are_limited_on_both_sides() -> None:
    identity = rotated(MAX_ROTATIONS)
    with pytest.raises(UsageError):
        identity.rotate(key(200))
    tbs = ServerCertificate.decode(issue(identity)).tbs
    too_many = tbs.encode().replace(tbs.rotations[0].encode(), tbs.rotations[0].encode() * 2)
    with pytest.raises(MalformedError):
        ServerCertificateTBS.decode(too_many)


def test_an_identity_key_never_comes_back() -> None:
    for number in (1, 2, 3):
        with pytest.raises(UsageError):
            rotated(2).rotate(key(number))


def test_a_chain_that_leads_to_another_key_is_our_bug() -> None:
    with pytest.raises(UsageError):
        ServerIdentityKey(key(9), rotated(2).rotations)


def test_another_server_is_refused_by_its_pin() -> None:
    assert refused(issue(ServerIdentityKey(key(9))), pin=rotated(0).server_id) == "CHAN-PIN"


def test_a_server_that_claims_a_foreign_id_is_refused() -> None:
    stranger, victim = ServerIdentityKey(key(9)), rotated(0)
    claim = forged(stranger, key(9), server_id=victim.server_id)
    assert refused(claim, pin=victim.server_id) == "CHAN-CERT-ID"


def test_a_certificate_is_good_for_its_own_suite_only() -> None:
    assert refused(issue(rotated(0)), suite=2) == "CHAN-CERT-SUITE"


def test_a_certificate_is_good_for_its_own_channel_key_only() -> None:
    assert refused(issue(rotated(0)), static_key=b"\x06" * 32) == "CHAN-CERT-KEY"


def test_a_certificate_ends_with_its_last_second() -> None:
    assert judge(issue(rotated(0)), now=NOT_AFTER).rotations == 0
    assert refused(issue(rotated(0)), now=NOT_AFTER + 1) == "CHAN-CERT-EXPIRED"


def test_a_rotation_whose_links_do_not_meet_is_refused() -> None:
    identity = rotated(3)
    first, second, third = identity.rotations
    assert refused(forged(identity, key(4), rotations=(first, third))) == "CHAN-CERT-ROTATION"
    assert refused(forged(identity, key(4), rotations=(first, second))) == "CHAN-CERT-ROTATION"
    assert refused(forged(identity, key(4), rotations=())) == "CHAN-CERT-ID"
    assert refused(forged(identity, key(4), rotations=(second, third))) == "CHAN-CERT-ID"


def test_a_chain_that_returns_to_an_old_key_is_refused() -> None:
    identity = rotated(1)
    body = RotationTBS(identity.server_id, key(2).public, key(1).public)
    back = RotationStatement(key(2).public, key(1).public, key(2).sign(signed(Label.SERVER_ROTATION, body)))
    circle = forged(identity, key(1), rotations=(*identity.rotations, back), identity_key=key(1).public)
    assert refused(circle) == "CHAN-CERT-ROTATION"


def test_a_rotation_signed_by_a_stranger_is_refused() -> None:
    identity = rotated(1)
    body = RotationTBS(identity.server_id, key(1).public, key(9).public)
    theft = RotationStatement(key(1).public, key(9).public, key(9).sign(signed(Label.SERVER_ROTATION, body)))
    with pytest.raises(CryptoError):
        judge(forged(identity, key(9), rotations=(theft,), identity_key=key(9).public), pin=identity.server_id)


def test_a_rotation_of_one_server_means_nothing_in_the_chain_of_another() -> None:
    identity = rotated(1)
    body = RotationTBS(b"\x07" * 32, key(1).public, key(2).public)
    foreign = RotationStatement(key(1).public, key(2).public, key(1).sign(signed(Label.SERVER_ROTATION, body)))
    with pytest.raises(CryptoError):
        judge(forged(identity, key(2), rotations=(foreign,)))


def test_a_rotated_out_key_cannot_speak_to_who_followed_the_rotation() -> None:
    old, new = rotated(1), rotated(2)
    assert judge(issue(new), pin=new.server_id, known_key=old.signing_key.public).rotations == 2
    assert refused(issue(old), pin=new.server_id, known_key=new.signing_key.public) == "CHAN-CERT-ROLLBACK"


def test_a_signature_of_a_stranger_or_under_another_label_is_refused() -> None:
    with pytest.raises(CryptoError):
        judge(forged(rotated(0), key(9)))
    with pytest.raises(CryptoError):
        judge(forged(rotated(0), key(1), Label.SERVER_ROTATION))


def test_no_flipped_bit_survives() -> None:
    data = issue(rotated(2))
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 1 << (position % 8)
        with pytest.raises((CryptoError, MalformedError, RejectedError)):
            judge(bytes(broken))


def test_the_signing_key_does_not_print() -> None:
    assert key(1).seed.reveal().hex() not in repr(rotated(1))
    assert "signing_key" not in repr(rotated(1))

"""One label's signature under another, all pairs; and signatures of keys that nobody holds.

Whatever is signed here is signed by the very key that its judge asks for, over the very bytes; only the label in front
is another one. The labels are all of ours and all that RFC 9420 signs under.
"""

import dataclasses
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from bad_points import NEUTRAL_ED25519, UNIVERSAL_FORGERY
from entrenous import mls
from entrenous.crypto import Secret, Signer, verify
from entrenous.errors import CryptoError
from entrenous.identity import (
    AccountCredential,
    DeviceLoginTBS,
    Label,
    LeafCertificate,
    RotationStatement,
    ServerCertificate,
    ServerIdentityKey,
    SignedDeviceList,
    first_device_list,
    issue_certificate,
    issue_leaf_certificate,
    labelled,
    signed,
    verify_certificate,
    verify_device_list,
    verify_device_login,
    verify_leaf,
)
from entrenous.identity.certificate import RotationTBS, ServerCertificateTBS
from entrenous.identity.committed import open_committed, seal_committed
from entrenous.identity.labels import fingerprint
from entrenous.identity.leaf import LeafCertificateTBS
from entrenous.mls.framing import protect_public, sign_as_member
from entrenous.mls.framing.content_auth import LABEL as CONTENT_LABEL
from entrenous.mls.framing.content_auth import to_be_signed
from entrenous.mls.group import check_group_info, check_key_package, make_group_info
from entrenous.mls.group.group_info import LABEL as GROUP_INFO_LABEL
from entrenous.mls.group.key_package import LABEL as KEY_PACKAGE_LABEL
from entrenous.mls.group.welcome import LABEL as WELCOME_LABEL
from entrenous.mls.labels import labelled as mls_labelled
from entrenous.mls.tree import GroupRules, check_leaf
from entrenous.mls.tree.treekem import PATH_LABEL
from entrenous.mls.tree.validation import LEAF_LABEL
from entrenous.mls.types import FramedContentAuthData, InlineProposal, Remove, WireFormat
from entrenous.testing import SeededEntropy
from identity_people import account, device
from mls_members import SUITE, Member, gather

SOURCES = Path(mls.__file__).parents[1]
#: What RFC 9420 signs under, in this library.
MLS_LABELS = (CONTENT_LABEL, LEAF_LABEL, KEY_PACKAGE_LABEL, GROUP_INFO_LABEL)

ALICE, PHONE = account(1), device(11)
DEVICES = first_device_list(ALICE.account_id, PHONE.entry)
OLD, NEW = account(9).signing_key, account(8).signing_key
STATIC = b"\x05" * 32


@dataclass(frozen=True)
class Signed:
    """Something signed: under which label, by whom, over what, and the judge that is given a signature over it."""

    label: Label | str
    key: Signer
    body: bytes
    judge: Callable[[bytes], object]


def covered(label: Label | str, body: bytes) -> bytes:
    """What a signature under this label covers: ours, or as RFC 9420 §5.1.2 joins them."""
    return labelled(label, body) if isinstance(label, Label) else mls_labelled(label, body)


def judge_certificate(data: bytes) -> object:
    return verify_certificate(data, suite=1, static_key=STATIC, pin=None, now=0)


def of_certificates() -> list[Signed]:
    issued = ServerCertificate.decode(
        issue_certificate(ServerIdentityKey(OLD), suite=1, static_key=STATIC, not_after=9)
    )
    rotated = ServerIdentityKey(OLD).rotate(NEW)
    rotation = RotationTBS(rotated.server_id, OLD.public, NEW.public)

    def with_rotation(signature: bytes) -> object:
        statement = RotationStatement(OLD.public, NEW.public, signature)
        tbs = ServerCertificateTBS(rotated.server_id, NEW.public, 1, STATIC, 9, (statement,))
        certificate = ServerCertificate(tbs, NEW.sign(signed(Label.SERVER_CERTIFICATE, tbs)))
        return judge_certificate(certificate.encode())

    return [
        Signed(
            Label.SERVER_CERTIFICATE,
            OLD,
            issued.tbs.encode(),
            lambda signature: judge_certificate(ServerCertificate(issued.tbs, signature).encode()),
        ),
        Signed(Label.SERVER_ROTATION, OLD, rotation.encode(), with_rotation),
    ]


def of_accounts() -> list[Signed]:
    login = DeviceLoginTBS(bytes(32), bytes(32), ALICE.account_id, PHONE.device_id, 1)
    leaf = LeafCertificate.decode(issue_leaf_certificate(ALICE, DEVICES, PHONE.entry)).tbs
    credential = ALICE.credential
    return [
        Signed(
            Label.DEVICE_LIST,
            ALICE.signing_key,
            DEVICES.encode(),
            lambda signature: verify_device_list(SignedDeviceList(DEVICES, signature).encode(), credential),
        ),
        Signed(
            Label.DEVICE_LOGIN,
            PHONE.login,
            login.encode(),
            lambda signature: verify_device_login(PHONE.login.public, login, signature),
        ),
        Signed(
            Label.LEAF_CERTIFICATE,
            ALICE.signing_key,
            leaf.encode(),
            lambda signature: verify_leaf(
                credential.encode(), PHONE.mls.public, LeafCertificate(leaf, signature).encode()
            ),
        ),
    ]


def of_groups() -> list[Signed]:
    alice, bob, _ = gather(3)
    newcomer = Member("newcomer")
    package = newcomer.key_package().key_package
    rules = GroupRules.of(SUITE, alice.group.group_id, ())
    info = make_group_info(alice.group, alice.signer)
    said = sign_as_member(alice.group, alice.signer, WireFormat.PUBLIC_MESSAGE, InlineProposal(Remove(2)), b"")

    def hear(signature: bytes) -> object:
        again = dataclasses.replace(said, auth=FramedContentAuthData(signature, None))
        return bob.opens(protect_public(alice.group, again))

    def leaf_judge(signature: bytes) -> object:
        check_leaf(dataclasses.replace(package.leaf_node, signature=signature), rules, None)
        return signature

    def package_judge(signature: bytes) -> object:
        check_key_package(dataclasses.replace(package, signature=signature), rules)
        return signature

    return [
        Signed(LEAF_LABEL, newcomer.signer, package.leaf_node.to_be_signed(None), leaf_judge),
        Signed(KEY_PACKAGE_LABEL, newcomer.signer, package.to_be_signed(), package_judge),
        Signed(
            GROUP_INFO_LABEL,
            alice.signer,
            info.to_be_signed(),
            lambda signature: check_group_info(dataclasses.replace(info, signature=signature), alice.group.tree),
        ),
        Signed(CONTENT_LABEL, alice.signer, to_be_signed(alice.group, said), hear),
    ]


@cache
def everything_signed() -> dict[str, Signed]:
    """Each thing that anybody signs, by the name of its label."""
    things = [*of_certificates(), *of_accounts(), *of_groups()]
    return {thing.label.name if isinstance(thing.label, Label) else thing.label: thing for thing in things}


THINGS = (
    *("SERVER_CERTIFICATE", "SERVER_ROTATION", "DEVICE_LIST", "DEVICE_LOGIN", "LEAF_CERTIFICATE"),
    *MLS_LABELS,
)


def test_nothing_that_is_signed_is_missing_here() -> None:
    assert set(everything_signed()) == set(THINGS)
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    verified = re.findall(r"\bverify\([^,\n]+, signed\(Label\.(\w+)", text)
    assert sorted(verified) == sorted(set(THINGS) - set(MLS_LABELS))
    assert len(re.findall(r"\bverify\([^,\n]+, signed\(", text)) == len(verified)
    assert len(re.findall(r"\.verify_with_label\(", text)) == len(MLS_LABELS)


@pytest.mark.parametrize("name", THINGS)
def test_a_signature_counts_under_its_own_label_alone(name: str) -> None:
    thing = everything_signed()[name]
    for label in (*Label, *MLS_LABELS):
        signature = thing.key.sign(covered(label, thing.body))
        if label != thing.label:
            with pytest.raises(CryptoError):
                thing.judge(signature)
    for bare in (thing.body, b"", thing.label.value if isinstance(thing.label, Label) else thing.label.encode()):
        with pytest.raises(CryptoError):
            thing.judge(thing.key.sign(bare))
    # The judge had nothing else against it.
    thing.judge(thing.key.sign(covered(thing.label, thing.body)))


def test_no_body_at_all_makes_two_labels_meet() -> None:
    fronts = [covered(label, b"") for label in Label]
    # RFC 9420's content has a length of its own in front; without it, the label alone is the front.
    fronts += [mls_labelled(label, b"")[:-1] for label in MLS_LABELS]
    assert len(fronts) == len(Label) + len(MLS_LABELS) >= 23
    for one, other in itertools.permutations(fronts, 2):
        assert not one.startswith(other)


def test_every_pair_of_labels_signs_hashes_and_seals_apart() -> None:
    key, secret, body = ALICE.signing_key, Secret(bytes(64)), DEVICES
    for one, other in itertools.permutations(Label, 2):
        with pytest.raises(CryptoError):
            verify(key.public, signed(other, body), key.sign(signed(one, body)))
        assert fingerprint(one, body.encode()) != fingerprint(other, body.encode())
        box = seal_committed(secret, one, b"context", b"plaintext", SeededEntropy("box"))
        with pytest.raises(CryptoError):
            open_committed(secret, other, b"context", box)
        assert open_committed(secret, one, b"context", box) == b"plaintext"


def test_what_is_sealed_for_one_purpose_of_mls_opens_for_no_other() -> None:
    pair = SUITE.hpke.generate(SeededEntropy("pair"))
    for one, other in itertools.permutations((WELCOME_LABEL, PATH_LABEL), 2):
        sealed = SUITE.encrypt_with_label(pair.public, one, b"context", b"secret", SeededEntropy("seal"))
        with pytest.raises(CryptoError):
            SUITE.decrypt_with_label(pair.private, other, b"context", *sealed)
        assert SUITE.decrypt_with_label(pair.private, one, b"context", *sealed) == b"secret"


@pytest.mark.parametrize("point", NEUTRAL_ED25519, ids=bytes.hex)
def test_an_identity_key_of_low_order_speaks_for_nobody(point: bytes) -> None:
    """For such a key a lax verifier takes one signature for every message, so anybody could sign."""
    tbs = ServerCertificateTBS(fingerprint(Label.SERVER_ID, point), point, 1, STATIC, 9, ())
    credential = AccountCredential(ALICE.account_id, point)
    leaf = LeafCertificateTBS(ALICE.account_id, PHONE.device_id, PHONE.mls.public, 1, DEVICES.hash())
    login = DeviceLoginTBS(bytes(32), bytes(32), ALICE.account_id, PHONE.device_id, 1)
    attempts: list[Callable[[], object]] = [
        lambda: judge_certificate(ServerCertificate(tbs, UNIVERSAL_FORGERY).encode()),
        lambda: verify_device_list(SignedDeviceList(DEVICES, UNIVERSAL_FORGERY).encode(), credential),
        lambda: verify_leaf(credential.encode(), PHONE.mls.public, LeafCertificate(leaf, UNIVERSAL_FORGERY).encode()),
        lambda: verify_device_login(point, login, UNIVERSAL_FORGERY),
        lambda: SUITE.verify_with_label(point, LEAF_LABEL, b"leaf", UNIVERSAL_FORGERY),
    ]
    for attempt in attempts:
        with pytest.raises(CryptoError):
            attempt()

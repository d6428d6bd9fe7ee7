"""Cipher suites: one label never passes for another, and nothing works with the wrong keys."""

import pytest

from entrenous.crypto import SigningKey, load_signer
from entrenous.errors import CryptoError, RejectedError, UsageError
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite, cipher_suite
from mls_epochs import seeded

ALL = pytest.mark.parametrize("suite", SUITES.values(), ids=repr)


def test_rooms_use_the_hybrid_suite_under_a_private_number() -> None:
    assert ROOM_SUITE is cipher_suite(0xF0E2)
    assert 0xF000 <= ROOM_SUITE.id <= 0xFFFF
    assert (ROOM_SUITE.hpke.kem.id, ROOM_SUITE.hash.name, ROOM_SUITE.aead.name) == (0x647A, "SHA384", "AES_256_GCM")


@pytest.mark.parametrize("number", [0, 8, 0x0A0A, 0xFFFF])
def test_an_unknown_suite_is_refused_by_name(number: int) -> None:
    with pytest.raises(RejectedError) as refused:
        cipher_suite(number)
    assert refused.value.rule == "MLS-SUITE-UNKNOWN"


@ALL
def test_all_parts_of_a_suite_use_its_own_kdf(suite: CipherSuite) -> None:
    assert suite.hpke.kdf is suite.kdf
    assert suite.hpke.aead is suite.aead
    assert suite.secret_size == len(suite.zero_secret) == suite.kdf.size
    assert SUITES[suite.id] is suite


def test_a_signature_counts_only_under_its_own_label() -> None:
    signer = SigningKey.generate(seeded())
    signature = ROOM_SUITE.sign_with_label(signer, "LeafNodeTBS", b"content")
    ROOM_SUITE.verify_with_label(signer.public, "LeafNodeTBS", b"content", signature)
    for label, content in [("KeyPackageTBS", b"content"), ("LeafNodeTBS", b"other"), ("", b"LeafNodeTBScontent")]:
        with pytest.raises(CryptoError):
            ROOM_SUITE.verify_with_label(signer.public, label, content, signature)


@ALL
def test_an_absent_signature_is_a_wrong_signature(suite: CipherSuite) -> None:
    size = {"ED448": 57, "ECDSA_P384": 48, "ECDSA_P521": 66}.get(suite.signature.name, 32)
    signer = load_signer(suite.signature, b"\x01" * size)
    suite.verify_with_label(signer.public, "label", b"content", suite.sign_with_label(signer, "label", b"content"))
    with pytest.raises(CryptoError):
        suite.verify_with_label(signer.public, "label", b"content", b"")


def test_a_signer_of_another_scheme_is_our_bug() -> None:
    with pytest.raises(UsageError, match="signs with ECDSA_P256, not ED25519"):
        cipher_suite(2).sign_with_label(SigningKey.generate(seeded()), "label", b"content")


@ALL
def test_what_was_encrypted_opens_only_with_its_label_and_context(suite: CipherSuite) -> None:
    pair = suite.derive_key_pair(bytes(range(suite.secret_size)))
    sealed = suite.encrypt_with_label(pair.public, "Welcome", b"context", b"secret", seeded())
    assert suite.decrypt_with_label(pair.private, "Welcome", b"context", *sealed) == b"secret"
    for label, context in [("UpdatePathNode", b"context"), ("Welcome", b"other")]:
        with pytest.raises(CryptoError):
            suite.decrypt_with_label(pair.private, label, context, *sealed)


@pytest.mark.parametrize("length", [-1, 255 * 48 + 1])
def test_a_derivation_out_of_range_is_our_bug(length: int) -> None:
    with pytest.raises(UsageError):
        ROOM_SUITE.expand_with_label(bytes(48), "label", b"", length)


def test_a_derivation_may_be_longer_than_one_block() -> None:
    long = ROOM_SUITE.expand_with_label(bytes(48), "label", b"c" * 300, 255 * 48)
    assert len(long) == 255 * 48
    # The length is part of what is derived, so a shorter output is no prefix of a longer one.
    assert ROOM_SUITE.expand_with_label(bytes(48), "label", b"c" * 300, 48) != long[:48]


def test_a_mac_is_checked_whole() -> None:
    tag = ROOM_SUITE.mac(b"key", b"one", b"two")
    ROOM_SUITE.verify_mac(b"key", tag, b"onetwo")
    for wrong in (tag[:-1], b"", bytes(len(tag))):
        with pytest.raises(CryptoError):
            ROOM_SUITE.verify_mac(b"key", wrong, b"onetwo")


def test_references_to_key_packages_and_proposals_never_collide() -> None:
    assert ROOM_SUITE.key_package_ref(b"value") == ROOM_SUITE.ref_hash("MLS 1.0 KeyPackage Reference", b"value")
    assert ROOM_SUITE.proposal_ref(b"value") == ROOM_SUITE.ref_hash("MLS 1.0 Proposal Reference", b"value")
    assert ROOM_SUITE.key_package_ref(b"value") != ROOM_SUITE.proposal_ref(b"value")

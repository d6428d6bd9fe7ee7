"""Official vectors for cipher suites, key schedule, PSKs, transcript hashes and secret tree, for all seven suites."""

import os
from typing import Any

from conftest import Vectors
from entrenous.crypto import load_signer
from entrenous.mls.schedule import (
    CommitSecret,
    ConfirmationKey,
    EncryptionSecret,
    InitSecret,
    JoinerSecret,
    PskSecret,
    RatchetKind,
    RatchetLimits,
    SecretTree,
    confirmed_transcript_hash,
    derive_epoch_secret,
    derive_epoch_secrets,
    derive_joiner_secret,
    derive_member_secret,
    derive_psk_secret,
    derive_welcome_key,
    export,
    external_key_pair,
    initial_nodes,
    interim_transcript_hash,
    no_psk,
    receiving_key,
    sending_key,
    verify_confirmation_tag,
)
from entrenous.mls.suite import CipherSuite, cipher_suite
from entrenous.mls.types import (
    AuthenticatedContent,
    ExternalPSK,
    GroupContext,
    GroupInfo,
    GroupSecrets,
    KeyPackage,
    MLSMessage,
    PreSharedKeyID,
    ProtocolVersion,
    Welcome,
)


def unhex(case: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def test_crypto_basics(vectors: Vectors) -> None:
    cases = vectors.load("mls/crypto-basics.json")
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        check_hashes(suite, case)
        check_signatures(suite, case["sign_with_label"])
        check_encryption(suite, case["encrypt_with_label"])
    assert [case["cipher_suite"] for case in cases] == [1, 2, 3, 4, 5, 6, 7]


def check_hashes(suite: CipherSuite, case: dict[str, Any]) -> None:
    value, out = unhex(case["ref_hash"], "value", "out")
    assert suite.ref_hash(case["ref_hash"]["label"], value) == out

    expand = case["expand_with_label"]
    secret, context, out = unhex(expand, "secret", "context", "out")
    assert suite.expand_with_label(secret, expand["label"], context, expand["length"]) == out

    secret, out = unhex(case["derive_secret"], "secret", "out")
    assert suite.derive_secret(secret, case["derive_secret"]["label"]) == out

    tree = case["derive_tree_secret"]
    secret, out = unhex(tree, "secret", "out")
    assert suite.derive_tree_secret(secret, tree["label"], tree["generation"], tree["length"]) == out


def check_signatures(suite: CipherSuite, case: dict[str, Any]) -> None:
    private, public, content, signature = unhex(case, "priv", "pub", "content", "signature")
    suite.verify_with_label(public, case["label"], content, signature)
    signer = load_signer(suite.signature, private)
    assert signer.public == public
    suite.verify_with_label(public, case["label"], content, suite.sign_with_label(signer, case["label"], content))


def check_encryption(suite: CipherSuite, case: dict[str, Any]) -> None:
    private, public, context, plaintext = unhex(case, "priv", "pub", "context", "plaintext")
    kem_output, ciphertext = unhex(case, "kem_output", "ciphertext")
    pair = suite.hpke.key_pair(private)
    assert pair.public == public
    assert suite.decrypt_with_label(pair.private, case["label"], context, kem_output, ciphertext) == plaintext
    ours = suite.encrypt_with_label(public, case["label"], context, plaintext, os.urandom)
    assert suite.decrypt_with_label(pair.private, case["label"], context, *ours) == plaintext


def test_key_schedule(vectors: Vectors) -> None:
    cases = vectors.load("mls/key-schedule.json")
    epochs = 0
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        init_secret = InitSecret(bytes.fromhex(case["initial_init_secret"]))
        for number, epoch in enumerate(case["epochs"]):
            init_secret = check_epoch(suite, init_secret, bytes.fromhex(case["group_id"]), number, epoch)
            epochs += 1
    assert (len(cases), epochs) == (7, 35)


def check_epoch(
    suite: CipherSuite, init_secret: InitSecret, group_id: bytes, number: int, epoch: dict[str, Any]
) -> InitSecret:
    tree_hash, transcript, encoded = unhex(epoch, "tree_hash", "confirmed_transcript_hash", "group_context")
    context = GroupContext(ProtocolVersion.MLS10, suite.id, group_id, number, tree_hash, transcript, ())
    assert context.encode() == encoded

    commit_secret, psk_secret = unhex(epoch, "commit_secret", "psk_secret")
    joiner = derive_joiner_secret(suite, init_secret, CommitSecret(commit_secret), encoded)
    member = derive_member_secret(suite, joiner, PskSecret(psk_secret))
    new = derive_epoch_secrets(suite, derive_epoch_secret(suite, member, encoded))
    kept = new.secrets
    for name in (
        "sender_data_secret",
        "exporter_secret",
        "external_secret",
        "confirmation_key",
        "membership_key",
        "resumption_psk",
        "epoch_authenticator",
        "init_secret",
    ):
        assert getattr(kept, name).reveal().hex() == epoch[name], name
    assert joiner.reveal().hex() == epoch["joiner_secret"]
    assert suite.derive_secret(member.reveal(), "welcome").hex() == epoch["welcome_secret"]
    assert new.encryption_secret.reveal().hex() == epoch["encryption_secret"]
    assert external_key_pair(suite, kept.external_secret).public.hex() == epoch["external_pub"]

    exporter = epoch["exporter"]
    context_bytes, secret = unhex(exporter, "context", "secret")
    assert export(suite, kept.exporter_secret, exporter["label"], context_bytes, exporter["length"]) == secret
    return kept.init_secret


def test_psk_secret(vectors: Vectors) -> None:
    cases = vectors.load("mls/psk_secret.json")
    counts = []
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        psks = []
        for entry in case["psks"]:
            name, value, nonce = unhex(entry, "psk_id", "psk", "psk_nonce")
            psks.append((PreSharedKeyID(ExternalPSK(name), nonce), value))
        assert derive_psk_secret(suite, psks).reveal().hex() == case["psk_secret"]
        counts.append(len(psks))
    assert sorted(counts) == sorted([*range(11)] * 7)


def test_transcript_hashes(vectors: Vectors) -> None:
    cases = vectors.load("mls/transcript-hashes.json")
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        key, encoded, interim = unhex(
            case, "confirmation_key", "authenticated_content", "interim_transcript_hash_before"
        )
        commit = AuthenticatedContent.decode(encoded)
        tag = commit.auth.confirmation_tag
        assert tag is not None
        confirmed = confirmed_transcript_hash(suite, interim, commit.wire_format, commit.content, commit.auth.signature)
        assert confirmed.hex() == case["confirmed_transcript_hash_after"]
        assert interim_transcript_hash(suite, confirmed, tag).hex() == case["interim_transcript_hash_after"]
        verify_confirmation_tag(suite, ConfirmationKey(key), confirmed, tag)
    assert len(cases) == 7


def test_secret_tree(vectors: Vectors) -> None:
    cases = vectors.load("mls/secret-tree.json")
    keys_checked = 0
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        width = len(case["leaves"])
        received, sent = (
            SecretTree(initial_nodes(EncryptionSecret(bytes.fromhex(case["encryption_secret"])), width))
            for _ in range(2)
        )
        for leaf, generations in enumerate(case["leaves"]):
            for expected in generations:
                for kind in RatchetKind:
                    check_key(suite, received, sent, (width, leaf, kind), expected)
                    keys_checked += 1
        # Everything above the leaves was consumed on the way: nothing is left to derive a key from again.
        assert all(received.node(index) is None for index in range(2 * width - 1))
    assert (len(cases), keys_checked) == (21, 1148)


def check_key(
    suite: CipherSuite,
    received: SecretTree,
    sent: SecretTree,
    place: tuple[int, int, RatchetKind],
    expected: dict[str, Any],
) -> None:
    width, leaf, kind = place
    generation, wanted = expected["generation"], (expected[f"{kind.label}_key"], expected[f"{kind.label}_nonce"])
    key, changes = receiving_key(suite, received, width, leaf, kind, generation, RatchetLimits(window=0, forward=20))
    received.apply(changes)
    assert (key.key.hex(), key.nonce.hex()) == wanted

    generated = -1
    while generated < generation:
        key, changes = sending_key(suite, sent, width, leaf, kind)
        sent.apply(changes)
        generated = key.generation
    assert (generated, key.key.hex(), key.nonce.hex()) == (generation, *wanted)


def test_welcome(vectors: Vectors) -> None:
    cases = vectors.load("mls/welcome.json")
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        key_package, welcome = (MLSMessage.decode(data).body for data in unhex(case, "key_package", "welcome"))
        assert isinstance(key_package, KeyPackage)
        assert isinstance(welcome, Welcome)
        init_priv, signer_pub = unhex(case, "init_priv", "signer_pub")
        ref = suite.key_package_ref(key_package.encode())
        sealed = next(entry.encrypted_group_secrets for entry in welcome.secrets if entry.new_member == ref)
        secrets = GroupSecrets.decode(
            suite.decrypt_with_label(
                suite.hpke.key_pair(init_priv).private,
                "Welcome",
                welcome.encrypted_group_info,
                sealed.kem_output,
                sealed.ciphertext,
            )
        )
        member = derive_member_secret(suite, JoinerSecret(secrets.joiner_secret), no_psk(suite))
        key = derive_welcome_key(suite, member)
        info = GroupInfo.decode(suite.aead_key(key.key).open(key.nonce, welcome.encrypted_group_info, b""))
        suite.verify_with_label(signer_pub, "GroupInfoTBS", info.to_be_signed(), info.signature)
        epoch = derive_epoch_secrets(suite, derive_epoch_secret(suite, member, info.group_context.encode()))
        transcript = info.group_context.confirmed_transcript_hash
        verify_confirmation_tag(suite, epoch.secrets.confirmation_key, transcript, info.confirmation_tag)
    assert len(cases) == 7

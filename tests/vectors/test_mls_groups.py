"""Joining groups and following their Commits, against the official passive-client vectors (RFC 9420 §12.4)."""

from collections.abc import Callable
from typing import Any

import pytest

from conftest import Vectors
from entrenous.codec import decode_as
from entrenous.mls.framing import unprotect
from entrenous.mls.group import CachedProposal, Joined, KeyPackageBundle, StagedCommit, cache_proposal, join, stage
from entrenous.mls.group.group_info import LABEL
from entrenous.mls.group.welcome import open_group_info, open_secrets
from entrenous.mls.schedule import SecretTree, derive_epoch_secret, derive_epoch_secrets, verify_confirmation_tag
from entrenous.mls.suite import SUITES, CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import PSK, ExternalPSK, KeyPackage, MLSMessage, RatchetTreeNodes, Welcome

SUITE_IDS = range(1, 8)


def bundle_of(suite: CipherSuite, case: dict[str, Any]) -> KeyPackageBundle:
    key_package = MLSMessage.decode(bytes.fromhex(case["key_package"])).body
    assert isinstance(key_package, KeyPackage)
    init, encryption = (
        suite.hpke.key_pair(private_key(suite, case[name])) for name in ("init_priv", "encryption_priv")
    )
    assert (init.public, encryption.public) == (key_package.init_key, key_package.leaf_node.encryption_key)
    return KeyPackageBundle(key_package, init.private, encryption.private)


def private_key(suite: CipherSuite, value: str) -> bytes:
    """A private key of the vectors, some of which lack a leading zero."""
    return bytes.fromhex(value).rjust(suite.hpke.kem.private_size, b"\x00")


def psk_source(case: dict[str, Any]) -> Callable[[PSK], bytes | None]:
    known = {bytes.fromhex(psk["psk_id"]): bytes.fromhex(psk["psk"]) for psk in case["external_psks"]}
    return lambda psk: known.get(psk.psk_id) if isinstance(psk, ExternalPSK) else None


def join_as(suite: CipherSuite, case: dict[str, Any]) -> Joined:
    tree = None
    if case["ratchet_tree"] is not None:
        nodes = decode_as(RatchetTreeNodes, bytes.fromhex(case["ratchet_tree"]))
        tree = RatchetTree.from_nodes(suite.hash, nodes)
    bundle = bundle_of(suite, case)
    return join(
        bytes.fromhex(case["welcome"]),
        {bundle.reference: bundle}.get,
        tree=tree,
        psks=psk_source(case),
    )


def follow(suite: CipherSuite, case: dict[str, Any]) -> int:
    """Join and process every epoch of a case; returns how many there were."""
    epoch = join_as(suite, case).epoch
    assert epoch.group.epoch_authenticator.hex() == case["initial_epoch_authenticator"]
    for given in case["epochs"]:
        group, keys = epoch.group, SecretTree(epoch.nodes)
        cached: dict[bytes, CachedProposal] = {}
        for proposal in given["proposals"]:
            received = unprotect(group, keys, bytes.fromhex(proposal))
            keys.apply(received.changes)
            kept = cache_proposal(group, received)
            cached[kept.reference] = CachedProposal.decode(kept.encode())
        received = unprotect(group, keys, bytes.fromhex(given["commit"]))
        staged = stage(group, received, cached=cached, psks=psk_source(case))
        assert isinstance(staged, StagedCommit)
        epoch = type(staged.epoch).decode(staged.epoch.encode())
        assert epoch.group.epoch_authenticator.hex() == given["epoch_authenticator"]
    return len(case["epochs"])


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_a_welcome_leads_to_the_official_epoch(vectors: Vectors, suite_id: int) -> None:
    cases = [case for case in vectors.load("mls/passive-client-welcome.json") if case["cipher_suite"] == suite_id]
    assert len(cases) == 8
    assert sum(case["ratchet_tree"] is not None for case in cases) == 4
    assert sum(bool(case["external_psks"]) for case in cases) == 4
    for case in cases:
        follow(SUITES[suite_id], case)


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_a_passive_client_follows_the_official_commits(vectors: Vectors, suite_id: int) -> None:
    loaded = vectors.load("mls/passive-client-handling-commit.json.gz")
    cases = [case for case in loaded if case["cipher_suite"] == suite_id]
    assert len(cases) == 13
    assert sum(follow(SUITES[suite_id], case) for case in cases) == 26


@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_the_parts_of_the_official_welcomes_are_genuine(vectors: Vectors, suite_id: int) -> None:
    (case,) = (case for case in vectors.load("mls/welcome.json") if case["cipher_suite"] == suite_id)
    suite = SUITES[suite_id]
    key_package = MLSMessage.decode(bytes.fromhex(case["key_package"])).body
    assert isinstance(key_package, KeyPackage)
    init = suite.hpke.key_pair(private_key(suite, case["init_priv"])).private
    bundle = KeyPackageBundle(key_package, init, init)
    welcome = MLSMessage.decode(bytes.fromhex(case["welcome"])).body
    assert isinstance(welcome, Welcome)
    found, secrets = open_secrets(welcome, {bundle.reference: bundle}.get)
    assert found is bundle
    info, member_secret = open_group_info(suite, welcome, secrets, lambda _: None)
    suite.verify_with_label(bytes.fromhex(case["signer_pub"]), LABEL, info.to_be_signed(), info.signature)
    epoch_secret = derive_epoch_secret(suite, member_secret, info.group_context.encode())
    key = derive_epoch_secrets(suite, epoch_secret).secrets.confirmation_key
    verify_confirmation_tag(suite, key, info.group_context.confirmed_transcript_hash, info.confirmation_tag)

"""A transcript that ts-mls 1.6.4 made: we take Bob's place in it, join, read and follow an external Commit."""

import dataclasses

import pytest

from conftest import Vectors
from entrenous.errors import CryptoError, MalformedError
from entrenous.mls.framing import unprotect
from entrenous.mls.group import KeyPackageBundle, StagedCommit, check_group_info, join, stage
from entrenous.mls.schedule import SecretTree
from entrenous.mls.suite import SUITES
from entrenous.mls.types import ApplicationData, ExtensionType, GroupInfo, KeyPackage, MLSMessage, find_extension


def test_we_join_read_and_follow_what_ts_mls_sent(vectors: Vectors) -> None:
    given = vectors.load("interop/ts-mls-1.6.4-suite1.json")
    suite = SUITES[given["suite_id"]]
    key_package = MLSMessage.decode(bytes.fromhex(given["bob"]["key_package"])).body
    assert isinstance(key_package, KeyPackage)
    init, encryption = (
        suite.hpke.key_pair(bytes.fromhex(given["bob"][name])).private for name in ("init_priv", "encryption_priv")
    )
    bundle = KeyPackageBundle(key_package, init, encryption)
    joined = join(bytes.fromhex(given["welcome"]), {bundle.reference: bundle}.get)
    group, keys = joined.epoch.group, SecretTree(joined.epoch.nodes)
    assert group.group_id.hex() == given["group_id"]

    spoken = unprotect(group, keys, bytes.fromhex(given["app_from_alice"]))
    assert spoken.body == ApplicationData(given["app_plain"].encode())

    staged = stage(group, unprotect(group, keys, bytes.fromhex(given["external_commit_carol"])))
    assert isinstance(staged, StagedCommit)
    after = staged.epoch.group
    assert after.epoch_authenticator.hex() == given["epoch_authenticator_after_external"]
    assert after.export("test", b"\x00", 32).hex() == given["exporter_test_00_32"]


def test_we_read_its_external_pub_only_in_the_form_of_the_rfc(vectors: Vectors) -> None:
    # ts-mls 1.6.4 puts the bare key into the extension, where RFC 9420 §12.4.3.2 has an ExternalPub around it.
    given = vectors.load("interop/ts-mls-1.6.4-suite1.json")
    info = MLSMessage.decode(bytes.fromhex(given["group_info"])).body
    assert isinstance(info, GroupInfo)
    bare = find_extension(info.extensions, ExtensionType.EXTERNAL_PUB)
    assert bare is not None
    assert len(bare) == SUITES[1].hpke.kem.public_size
    with pytest.raises(MalformedError):
        check_group_info(info, None)
    others = tuple(e for e in info.extensions if e.extension_type != ExtensionType.EXTERNAL_PUB)
    with pytest.raises(CryptoError):
        check_group_info(dataclasses.replace(info, extensions=others), None)

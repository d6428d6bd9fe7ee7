"""What is stored of groups and KeyPackages, and that secrets do not print."""

import pytest

from entrenous.errors import MalformedError, UsageError
from entrenous.mls.group import (
    CachedProposal,
    Group,
    KeyPackageBundle,
    NewEpoch,
    commit,
    create_key_package,
    make_capabilities,
)
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import GREASE_VALUES, Add, Remove
from mls_members import LIFETIME, ROOM, SUITE, Member, agree, everybody_follows, gather

BOTH_SUITES = pytest.mark.parametrize("suite", [SUITES[1], ROOM_SUITE], ids=["suite 1", "room suite"])


@BOTH_SUITES
def test_a_stored_group_is_the_group_that_it_was(suite: CipherSuite) -> None:
    members = gather(3, suite)
    everybody_follows(members, members[1], members[1].prepare())
    group = members[0].group
    again = Group.decode(group.encode())
    assert again == group
    assert again.encode() == group.encode()
    assert Group.decode(group.encode(with_tree=False), group.tree) == group
    assert len(group.encode(with_tree=False)) < len(group.encode())


def test_a_group_does_not_take_the_tree_of_another_epoch() -> None:
    members = gather(2)
    before = members[0].group
    everybody_follows(members, members[0], members[0].prepare())
    with pytest.raises(MalformedError):
        Group.decode(members[0].group.encode(with_tree=False), before.tree)


def test_a_staged_epoch_survives_a_restart() -> None:
    alice, bob = gather(2)
    own = alice.prepare()
    stored = own.epoch.encode()
    bob.follows(own.message)
    alice.enter(NewEpoch.decode(stored))
    assert agree([alice, bob])
    assert alice.reads(bob.says(b"still here")) == b"still here"


@pytest.mark.parametrize("kind", [Group, NewEpoch, KeyPackageBundle, CachedProposal])
def test_other_bytes_are_malformed(kind: type[Group | NewEpoch | KeyPackageBundle | CachedProposal]) -> None:
    for data in (b"", b"\x00", bytes(100), b"\xff" * 50):
        with pytest.raises(MalformedError):
            kind.decode(data)


def test_a_stored_bundle_must_hold_the_keys_of_its_key_package() -> None:
    alice = Member("alice")
    first, second = (create_key_package(SUITE, alice.signer, alice.profile, LIFETIME, alice.entropy) for _ in range(2))
    mixed = KeyPackageBundle(first.key_package, second.init_private, first.encryption_private)
    with pytest.raises(MalformedError):
        KeyPackageBundle.decode(mixed.encode())
    assert KeyPackageBundle.decode(first.encode()) == first


def test_private_keys_and_secrets_do_not_print() -> None:
    alice, bob = gather(2)
    bundle = create_key_package(SUITE, alice.signer, alice.profile, LIFETIME, alice.entropy)
    own = alice.prepare()
    secrets = [
        bundle.init_private.reveal(),
        bundle.encryption_private.reveal(),
        *(key.reveal() for key in own.epoch.group.private_keys.values()),
        own.epoch.group.secrets.init_secret.reveal(),
        *own.epoch.nodes.values(),
    ]
    printed = repr(bundle) + repr(own) + repr(bob.group) + repr(own.epoch) + repr(own.epoch.group.secrets)
    for secret in secrets:
        assert repr(secret) not in printed
        assert secret.hex() not in printed


def test_capabilities_hold_grease_and_no_defaults() -> None:
    alice = Member("alice")
    capabilities = make_capabilities([SUITE], alice.entropy, extension_types=[1, 5, ROOM])
    assert capabilities.extensions[0] == ROOM
    lists = [
        capabilities.cipher_suites,
        capabilities.extensions,
        capabilities.proposals,
        capabilities.credentials,
    ]
    assert all(len(GREASE_VALUES.intersection(values)) == 1 for values in lists)


def test_a_bundle_names_its_key_package() -> None:
    alice = Member("alice")
    add = alice.key_package()
    assert isinstance(add, Add)
    (reference,) = alice.bundles
    assert reference == SUITE.key_package_ref(add.key_package.encode())


def test_an_add_needs_the_time() -> None:
    alice, _ = gather(2)
    adds = [Member("carol").key_package()]
    with pytest.raises(UsageError):
        commit(alice.group, alice.keys, alice.signer, alice.entropy, proposals=adds)


def test_a_removed_members_place_is_taken_by_the_next_newcomer() -> None:
    members = gather(4)
    alice = members[0]
    own = alice.prepare(Remove(1))
    everybody_follows([alice, *members[2:]], alice, own)
    newcomer = Member("newcomer")
    own = alice.prepare(newcomer.key_package())
    everybody_follows([alice, *members[2:]], alice, own)
    newcomer.join(own.welcome, RatchetTree.from_nodes(SUITE.hash, alice.group.tree.nodes()))
    assert newcomer.group.own_leaf == 1
    assert agree([alice, newcomer, *members[2:]])

"""The secret tree: keys derived when they are needed, used once, and gone together with everything above them."""

from collections.abc import Iterator

import pytest

from entrenous.errors import RejectedError, UsageError
from entrenous.mls.schedule import (
    EncryptionSecret,
    KeyChanges,
    MessageKey,
    Ratchet,
    RatchetKind,
    RatchetLimits,
    SecretTree,
    initial_nodes,
    receiving_key,
    sending_key,
)
from entrenous.mls.schedule.ratchet import LAST_GENERATION
from entrenous.mls.suite import ROOM_SUITE
from entrenous.mls.types import ContentType

WIDTH = 1024
APPLICATION, HANDSHAKE = RatchetKind.APPLICATION, RatchetKind.HANDSHAKE


def tree(width: int = WIDTH) -> SecretTree:
    return SecretTree(initial_nodes(EncryptionSecret(b"e" * 48), width))


def send(keys: SecretTree, leaf: int, kind: RatchetKind = APPLICATION) -> MessageKey:
    key, changes = sending_key(ROOM_SUITE, keys, WIDTH, leaf, kind)
    keys.apply(changes)
    return key


def receive(
    keys: SecretTree, leaf: int, generation: int, limits: RatchetLimits, kind: RatchetKind = APPLICATION
) -> MessageKey:
    key, changes = receiving_key(ROOM_SUITE, keys, WIDTH, leaf, kind, generation, limits)
    keys.apply(changes)
    return key


def stored(keys: SecretTree) -> Iterator[bytes]:
    for index in range(2 * WIDTH - 1):
        secret = keys.node(index)
        if secret is not None:
            yield secret
    for leaf in range(WIDTH):
        for kind in RatchetKind:
            ratchet = keys.ratchet(leaf, kind)
            if ratchet is not None:
                yield ratchet.encode()


ORDERED = RatchetLimits(window=0, forward=1000)


def test_handshakes_and_application_data_have_ratchets_of_their_own() -> None:
    assert RatchetKind.of(ContentType.APPLICATION) is APPLICATION
    assert RatchetKind.of(ContentType.PROPOSAL) is RatchetKind.of(ContentType.COMMIT) is HANDSHAKE
    keys = tree()
    assert send(keys, 3, HANDSHAKE).key != send(keys, 3, APPLICATION).key


def test_every_leaf_sends_under_keys_of_its_own() -> None:
    keys = tree()
    sent = {send(keys, leaf).key for leaf in range(WIDTH) for _ in range(2)}
    assert len(sent) == 2 * WIDTH
    # All leaves are in use: no secret above them is left.
    assert all(keys.node(index) is None for index in range(2 * WIDTH - 1))


def test_a_leafs_first_message_changes_one_row_per_level_and_later_ones_change_one_row() -> None:
    keys = tree()
    _, first = sending_key(ROOM_SUITE, keys, WIDTH, 700, APPLICATION)
    assert (len(first.nodes), len(first.ratchets)) == (1 + 10, 2)
    assert [index for index, secret in first.nodes.items() if secret is None] == [WIDTH - 1]
    keys.apply(first)
    _, second = sending_key(ROOM_SUITE, keys, WIDTH, 700, APPLICATION)
    assert (dict(second.nodes), list(second.ratchets)) == ({}, [(700, APPLICATION)])
    assert len(second.ratchets[700, APPLICATION].encode()) < 100


def test_a_consumed_secret_is_nowhere_in_what_is_stored() -> None:
    keys = tree()
    root_secret = keys.node(WIDTH - 1)
    assert root_secret is not None
    assert root_secret in set(stored(keys))
    key = send(keys, 5)
    ratchet = keys.ratchet(5, APPLICATION)
    assert ratchet is not None
    again = send(keys, 5)
    everything = b"".join(stored(keys))
    for gone in (root_secret, key.key, key.nonce, ratchet.secret, again.key):
        assert gone not in everything


def test_nothing_is_changed_until_the_changes_are_applied() -> None:
    keys = tree()
    first, _ = sending_key(ROOM_SUITE, keys, WIDTH, 0, APPLICATION)
    assert sending_key(ROOM_SUITE, keys, WIDTH, 0, APPLICATION)[0] == first
    assert list(stored(keys)) == [b"e" * 48]


def test_a_key_is_used_once() -> None:
    keys = tree()
    receive(keys, 9, 0, ORDERED)
    for _ in range(2):
        with pytest.raises(RejectedError) as refused:
            receive(keys, 9, 0, ORDERED)
        assert refused.value.rule == "MLS-GENERATION-CONSUMED"


def test_without_a_window_the_keys_of_missing_messages_are_gone() -> None:
    keys = tree()
    receive(keys, 9, 3, ORDERED)
    for generation in range(4):
        with pytest.raises(RejectedError, match="MLS-GENERATION-CONSUMED"):
            receive(keys, 9, generation, ORDERED)
    receive(keys, 9, 4, ORDERED)


def test_a_window_keeps_the_keys_of_the_last_missing_messages() -> None:
    sender, keys = tree(), tree()
    sent = [send(sender, 9) for _ in range(7)]
    limits = RatchetLimits(window=2, forward=1000)
    assert receive(keys, 9, 5, limits) == sent[5]
    ratchet = keys.ratchet(9, APPLICATION)
    assert ratchet is not None
    assert [key.generation for key in ratchet.skipped] == [3, 4]
    assert receive(keys, 9, 4, limits) == sent[4]
    for generation in (4, 2):
        with pytest.raises(RejectedError, match="MLS-GENERATION-CONSUMED"):
            receive(keys, 9, generation, limits)
    # The next message moves the window: generation 3 is too old now.
    assert receive(keys, 9, 6, limits) == sent[6]
    with pytest.raises(RejectedError, match="MLS-GENERATION-CONSUMED"):
        receive(keys, 9, 3, limits)


def test_a_generation_beyond_the_forward_limit_is_refused_before_anything_is_derived() -> None:
    keys = tree()
    receive(keys, 9, 1000, ORDERED)
    with pytest.raises(RejectedError) as refused:
        receive(keys, 9, 2002, ORDERED)
    assert refused.value.rule == "MLS-GENERATION-TOO-FAR"
    with pytest.raises(RejectedError):
        receive(keys, 9, 0xFFFF_FFFF, ORDERED)
    receive(keys, 9, 2001, ORDERED)


def test_a_ratchet_ends_before_its_counter_does() -> None:
    keys = tree()
    end = Ratchet(LAST_GENERATION, b"s" * 48, ())
    keys.apply(KeyChanges({}, {(1, APPLICATION): end}))
    with pytest.raises(RejectedError, match="MLS-GENERATION-EXHAUSTED"):
        send(keys, 1)
    with pytest.raises(RejectedError, match="MLS-GENERATION-EXHAUSTED"):
        receive(keys, 1, LAST_GENERATION, ORDERED)


def test_a_tree_of_one_leaf_has_keys_too() -> None:
    keys = tree(1)
    key, changes = sending_key(ROOM_SUITE, keys, 1, 0, HANDSHAKE)
    keys.apply(changes)
    assert keys.node(0) is None
    assert key.generation == 0


@pytest.mark.parametrize("leaf", [-1, WIDTH, 2**31])
def test_a_leaf_outside_the_tree_is_our_bug(leaf: int) -> None:
    with pytest.raises(UsageError):
        send(tree(), leaf)


def test_keys_of_another_epoch_are_our_bug() -> None:
    with pytest.raises(UsageError, match="another epoch"):
        send(SecretTree({}), 0)


def test_a_ratchet_is_stored_and_read_back_and_does_not_print() -> None:
    keys = tree()
    receive(keys, 2, 4, RatchetLimits(window=3, forward=10))
    ratchet = keys.ratchet(2, APPLICATION)
    assert ratchet is not None
    assert Ratchet.decode(ratchet.encode()) == ratchet
    assert "generation=5" in repr(ratchet)
    assert "b'" not in repr(ratchet) + repr(keys) + repr(KeyChanges({1: b"secret"}, {(2, APPLICATION): ratchet}))

"""Whatever order messages come in, a receiver finds exactly the keys that a plain model says it still has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.errors import RejectedError
from entrenous.mls.schedule import (
    EncryptionSecret,
    MessageKey,
    RatchetKind,
    RatchetLimits,
    SecretTree,
    initial_nodes,
    receiving_key,
    sending_key,
)
from entrenous.mls.suite import cipher_suite
from entrenous.mls.tree.tree_math import node_count

SUITE, WIDTH, LAST = cipher_suite(1), 4, 30


def tree() -> SecretTree:
    return SecretTree(initial_nodes(EncryptionSecret(b"e" * 32), WIDTH))


def sent_keys() -> dict[tuple[int, RatchetKind], list[MessageKey]]:
    keys = tree()
    sent: dict[tuple[int, RatchetKind], list[MessageKey]] = {}
    for leaf in range(WIDTH):
        for kind in RatchetKind:
            sent[leaf, kind] = []
            for _ in range(LAST + 1):
                key, changes = sending_key(SUITE, keys, WIDTH, leaf, kind)
                keys.apply(changes)
                sent[leaf, kind].append(key)
    return sent


SENT = sent_keys()

arrivals = st.lists(
    st.tuples(st.integers(0, WIDTH - 1), st.sampled_from(RatchetKind), st.integers(0, LAST)), max_size=40
)


@given(arrivals, st.integers(0, 5), st.integers(0, 8))
def test_every_arrival_gets_its_key_once_or_is_refused_for_the_right_reason(
    order: list[tuple[int, RatchetKind, int]], window: int, forward: int
) -> None:
    keys, limits = tree(), RatchetLimits(window, forward)
    heads: dict[tuple[int, RatchetKind], int] = {}
    used: set[tuple[int, RatchetKind, int]] = set()
    for leaf, kind, generation in order:
        head = heads.get((leaf, kind), 0)
        too_far = generation - head > forward
        gone = generation < head and ((leaf, kind, generation) in used or generation < head - 1 - window)
        if too_far or gone:
            with pytest.raises(RejectedError) as refused:
                receiving_key(SUITE, keys, WIDTH, leaf, kind, generation, limits)
            assert refused.value.rule == ("MLS-GENERATION-TOO-FAR" if too_far else "MLS-GENERATION-CONSUMED")
            continue
        key, changes = receiving_key(SUITE, keys, WIDTH, leaf, kind, generation, limits)
        keys.apply(changes)
        assert key == SENT[leaf, kind][generation]
        used.add((leaf, kind, generation))
        heads[leaf, kind] = max(head, generation + 1)


def stored(keys: SecretTree) -> bytes:
    """Everything that a store would hold."""
    nodes = [keys.node(index) or b"" for index in range(node_count(WIDTH))]
    ratchets = [keys.ratchet(leaf, kind) for leaf in range(WIDTH) for kind in RatchetKind]
    return b"|".join([*nodes, *(ratchet.encode() for ratchet in ratchets if ratchet is not None)])


@given(arrivals, st.integers(0, 5))
def test_a_message_changes_a_path_at_most_and_leaves_its_key_nowhere(
    order: list[tuple[int, RatchetKind, int]], window: int
) -> None:
    keys, limits, used = tree(), RatchetLimits(window, LAST), [b"e" * 32]
    for leaf, kind, generation in order:
        is_first = keys.ratchet(leaf, kind) is None
        try:
            key, changes = receiving_key(SUITE, keys, WIDTH, leaf, kind, generation, limits)
        except RejectedError:
            continue
        # a leaf's first use: one node is consumed, and each level below it gets one; both its ratchets begin
        assert len(changes.nodes) <= (1 + WIDTH.bit_length() - 1 if is_first else 0)
        assert set(changes.ratchets) == ({(leaf, each) for each in RatchetKind} if is_first else {(leaf, kind)})
        keys.apply(changes)
        used += [key.key, key.nonce]
        everything = stored(keys)
        assert [secret for secret in used if secret in everything] == []

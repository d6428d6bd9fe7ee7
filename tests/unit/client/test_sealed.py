import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.client.rooms.sealed import ACCESS_KEY_SIZE, AccessKey, RoomAccessSecret, Sealed, SealedKind
from entrenous.errors import CryptoError, MalformedError, RejectedError

ROOM = bytes(range(16))
KEY = AccessKey(3, RoomAccessSecret(bytes(range(32))))


def seeded(seed: int) -> Callable[[int], bytes]:
    state = [seed]

    def take(size: int) -> bytes:
        state[0] += 1
        return hashlib.shake_256(state[0].to_bytes(8, "big")).digest(size)

    return take


class Epoch:
    """Stands for a group's epoch: only its exporter."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def export(self, label: str, context: bytes, length: int) -> bytes:
        return hashlib.shake_256(self.secret + label.encode() + b"\x00" + context).digest(length)


def sealed(kind: SealedKind = SealedKind.TREE, room: bytes = ROOM, epoch: int = 7) -> bytes:
    return KEY.seal(kind, room, epoch, b"a tree", seeded(1))


def test_what_a_member_seals_another_opens_with_its_epoch() -> None:
    opened = KEY.open(SealedKind.TREE, ROOM, sealed())
    assert (opened.epoch, opened.plaintext) == (7, b"a tree")


def test_nothing_of_the_plaintext_and_no_key_stands_in_what_the_server_keeps() -> None:
    assert b"a tree" not in sealed()
    assert KEY.secret.reveal() not in sealed()
    assert "00010203" not in repr(KEY)


@pytest.mark.parametrize(
    ("kind", "room"), [(SealedKind.GROUP_INFO, ROOM), (SealedKind.NODE_CHANGES, ROOM), (SealedKind.TREE, bytes(16))]
)
def test_it_opens_for_its_own_kind_and_room_only(kind: SealedKind, room: bytes) -> None:
    with pytest.raises(CryptoError):
        KEY.open(kind, room, sealed())


def test_another_generation_is_told_from_a_wrong_key() -> None:
    newer = AccessKey(4, KEY.secret)
    with pytest.raises(RejectedError) as caught:
        newer.open(SealedKind.TREE, ROOM, sealed())
    assert caught.value.rule == "ROOM-ACCESS-GENERATION"
    with pytest.raises(CryptoError):
        AccessKey(3, RoomAccessSecret(bytes(32))).open(SealedKind.TREE, ROOM, sealed())


def test_the_epoch_and_generation_in_clear_cannot_be_changed() -> None:
    true = Sealed.decode(sealed())
    for generation, epoch in ((3, 8), (4, 7)):
        moved = Sealed(generation, epoch, true.nonce, true.ciphertext).encode()
        with pytest.raises(CryptoError):
            AccessKey(generation, KEY.secret).open(SealedKind.TREE, ROOM, moved)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    data = bytearray(sealed())
    data[place % len(data)] ^= change
    with pytest.raises((CryptoError, MalformedError, RejectedError)):
        KEY.open(SealedKind.TREE, ROOM, bytes(data))


@given(st.binary(max_size=200))
def test_hostile_bytes_end_in_one_of_our_errors(data: bytes) -> None:
    with pytest.raises((CryptoError, MalformedError, RejectedError)):
        KEY.open(SealedKind.TREE, ROOM, data)


def test_sealing_twice_never_repeats_a_nonce() -> None:
    entropy = seeded(9)
    nonces = {Sealed.decode(KEY.seal(SealedKind.TREE, ROOM, 7, b"", entropy)).nonce for _ in range(50)}
    assert len(nonces) == 50


def test_members_of_one_epoch_derive_the_same_key_and_of_two_epochs_not() -> None:
    one = AccessKey.of_epoch(Epoch(b"epoch 5"), 2)
    assert one.secret == AccessKey.of_epoch(Epoch(b"epoch 5"), 2).secret
    assert one.secret != AccessKey.of_epoch(Epoch(b"epoch 6"), 2).secret
    assert one.secret != AccessKey.of_epoch(Epoch(b"epoch 5"), 3).secret
    assert len(one.secret) == ACCESS_KEY_SIZE

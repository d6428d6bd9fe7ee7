import dataclasses
import hashlib
from collections.abc import Iterator

import pytest

from entrenous.crypto import Secret, SigningKey
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.identity import (
    Contact,
    Label,
    StoredVault,
    VaultBody,
    VaultKey,
    VaultRoom,
    Verification,
    WrappedKey,
    WrapSlot,
    open_vault,
    parse_vault,
    rewrap_key,
    seal_vault,
    unwrap_key,
    wrap_key,
)
from entrenous.identity.committed import CommittedCiphertext, open_committed, seal_committed
from entrenous.identity.vault import PADDING, _pad, _unpad


class Seeded:
    def __init__(self, seed: bytes) -> None:
        self.seed, self.drawn = seed, 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(self.seed + bytes([self.drawn])).digest(size)


ALICE, BOB = b"\x01" * 16, b"\x02" * 16
KEY = VaultKey.generate(Seeded(b"key"))
PASSWORD, RECOVERY = Secret(b"\x0a" * 64), Secret(b"\x0b" * 64)
BODY = VaultBody(
    counter=5,
    identity_seed=b"\x5e" * 32,
    contacts=(Contact(BOB, SigningKey.from_seed(bytes(32)).public, "Bob 🦉", Verification.VERIFIED),),
    blocks=(b"\x03" * 16,),
    rooms=(VaultRoom(b"room", b"\xac" * 32, 2, 17, 4711),),
)


def wrapped(export_key: Secret, slot: WrapSlot) -> WrappedKey:
    return wrap_key(KEY, slot, export_key, account_id=ALICE, entropy=Seeded(slot.name.encode()))


KEYS = (wrapped(PASSWORD, WrapSlot.PASSWORD), wrapped(RECOVERY, WrapSlot.RECOVERY))


def sealed(body: VaultBody = BODY, keys: tuple[WrappedKey, ...] = KEYS) -> bytes:
    return seal_vault(body, KEY, keys, account_id=ALICE, entropy=Seeded(b"seal"))


VAULT = parse_vault(sealed())


@pytest.mark.parametrize(("slot", "export_key"), [(WrapSlot.PASSWORD, PASSWORD), (WrapSlot.RECOVERY, RECOVERY)])
def test_password_and_recovery_code_open_the_same_vault(slot: WrapSlot, export_key: Secret) -> None:
    key = unwrap_key(VAULT, slot, export_key, account_id=ALICE)
    assert key == KEY
    assert open_vault(VAULT, key, account_id=ALICE, at_least=5) == BODY


def test_a_rolled_back_vault_is_noticed() -> None:
    with pytest.raises(RejectedError) as caught:
        open_vault(VAULT, KEY, account_id=ALICE, at_least=6)
    assert caught.value.rule == "ID-VAULT-ROLLBACK"


def test_the_size_is_padded() -> None:
    contacts = BODY.contacts * 3
    assert len(sealed(dataclasses.replace(BODY, contacts=contacts))) == len(sealed())
    assert len(VAULT.body.ciphertext) == PADDING + 16


@pytest.mark.parametrize("size", [0, 1, PADDING - 2, PADDING - 1, PADDING, PADDING + 1])
@pytest.mark.parametrize("last", [b"\x00", b"\x80", b"x"])
def test_padding_ends_where_it_should(size: int, last: bytes) -> None:
    body = last * size
    padded = _pad(body)
    assert _unpad(padded) == body
    assert len(padded) % PADDING == 0
    assert 0 < len(padded) - size <= PADDING


def test_a_new_password_moves_no_body() -> None:
    new = Secret(b"\x0c" * 64)
    changed = rewrap_key(VAULT, WrapSlot.PASSWORD, PASSWORD, new, account_id=ALICE, entropy=Seeded(b"new"))
    assert changed.body == VAULT.body
    assert parse_vault(changed.encode()) == changed
    assert unwrap_key(changed, WrapSlot.PASSWORD, new, account_id=ALICE) == KEY
    assert unwrap_key(changed, WrapSlot.RECOVERY, RECOVERY, account_id=ALICE) == KEY
    with pytest.raises(CryptoError):
        unwrap_key(changed, WrapSlot.PASSWORD, PASSWORD, account_id=ALICE)


def test_the_old_password_is_needed_for_a_new_one() -> None:
    with pytest.raises(CryptoError):
        rewrap_key(VAULT, WrapSlot.PASSWORD, RECOVERY, RECOVERY, account_id=ALICE, entropy=Seeded(b"new"))


@pytest.mark.parametrize(
    ("slot", "export_key", "account_id"),
    [
        (WrapSlot.PASSWORD, RECOVERY, ALICE),
        (WrapSlot.RECOVERY, PASSWORD, ALICE),
        (WrapSlot.PASSWORD, PASSWORD, BOB),
        (WrapSlot.PASSWORD, Secret(b"\x0a" * 63 + b"\x0b"), ALICE),
    ],
)
def test_a_key_unwraps_in_its_own_place_only(slot: WrapSlot, export_key: Secret, account_id: bytes) -> None:
    with pytest.raises(CryptoError):
        unwrap_key(VAULT, slot, export_key, account_id=account_id)


def test_a_wrapped_key_moved_to_the_other_slot_does_not_unwrap() -> None:
    moved = dataclasses.replace(VAULT, keys=(WrappedKey(WrapSlot.RECOVERY, KEYS[0].box),))
    with pytest.raises(CryptoError):
        unwrap_key(moved, WrapSlot.RECOVERY, PASSWORD, account_id=ALICE)


def test_an_empty_slot_fails_like_a_wrong_key() -> None:
    vault = parse_vault(sealed(keys=KEYS[:1]))
    with pytest.raises(CryptoError):
        unwrap_key(vault, WrapSlot.RECOVERY, RECOVERY, account_id=ALICE)


def test_a_vault_of_another_account_does_not_open() -> None:
    with pytest.raises(CryptoError):
        open_vault(VAULT, KEY, account_id=BOB, at_least=0)


def flips(data: bytes, step: int) -> Iterator[bytes]:
    for position in range(0, len(data), step):
        broken = bytearray(data)
        broken[position] ^= 1 << (position % 8)
        yield bytes(broken)


def open_both_ways(data: bytes) -> None:
    vault = parse_vault(data)
    for slot, export_key in ((WrapSlot.PASSWORD, PASSWORD), (WrapSlot.RECOVERY, RECOVERY)):
        key = unwrap_key(vault, slot, export_key, account_id=ALICE)
        open_vault(vault, key, account_id=ALICE, at_least=0)


def test_no_flipped_bit_survives() -> None:
    tried = 0
    for broken in flips(VAULT.encode(), 7):
        tried += 1
        with pytest.raises((CryptoError, MalformedError)):
            open_both_ways(broken)
    assert tried > 500


def test_a_ciphertext_opens_under_one_key_only() -> None:
    # The commitment is checked before AES-GCM, so a ciphertext made for two keys names at most one of them.
    context = b"context"
    one, other = Secret(b"\x01" * 32), Secret(b"\x02" * 32)
    box = seal_committed(one, Label.VAULT_BODY, context, b"text", Seeded(b"n"))
    assert open_committed(one, Label.VAULT_BODY, context, box) == b"text"
    commitments = {
        seal_committed(key, label, where, b"text", Seeded(b"n")).commitment
        for key in (one, other)
        for label in (Label.VAULT_BODY, Label.VAULT_WRAP)
        for where in (context, b"another")
    }
    assert len(commitments) == 8
    stolen = seal_committed(other, Label.VAULT_BODY, context, b"text", Seeded(b"n"))
    with pytest.raises(CryptoError):
        open_committed(one, Label.VAULT_BODY, context, dataclasses.replace(stolen, commitment=box.commitment))
    with pytest.raises(CryptoError):
        open_committed(one, Label.VAULT_BODY, context, dataclasses.replace(box, commitment=stolen.commitment))


def test_each_seal_draws_a_nonce() -> None:
    entropy = Seeded(b"same source")
    vaults = {seal_vault(BODY, KEY, KEYS, account_id=ALICE, entropy=entropy) for _ in range(3)}
    assert len(vaults) == 3


def test_keys_stand_in_one_order_once() -> None:
    assert sealed(keys=KEYS[::-1]) == sealed()
    assert sealed(keys=KEYS + KEYS[:1]) == sealed()
    for keys in (KEYS[::-1], (KEYS[0], KEYS[0])):
        with pytest.raises(MalformedError):
            parse_vault(dataclasses.replace(VAULT, keys=keys).encode())


def test_a_vault_of_a_later_format_is_named_as_such() -> None:
    with pytest.raises(MalformedError, match="format 2"):
        parse_vault(dataclasses.replace(VAULT, format=2).encode())


def sealed_bytes(plaintext: bytes) -> StoredVault:
    box: CommittedCiphertext = seal_committed(KEY, Label.VAULT_BODY, ALICE, plaintext, Seeded(b"raw"))
    return dataclasses.replace(VAULT, body=box)


@pytest.mark.parametrize("plaintext", [b"", bytes(PADDING), BODY.encode(), b"\x80", BODY.encode()[:-1] + b"\x80"])
def test_what_was_sealed_is_judged_too(plaintext: bytes) -> None:
    with pytest.raises(MalformedError):
        open_vault(sealed_bytes(plaintext), KEY, account_id=ALICE, at_least=0)


def test_a_wrapped_key_of_another_size_does_not_unwrap() -> None:
    short = VaultKey(bytes(31))
    vault = VAULT.replacing(wrap_key(short, WrapSlot.PASSWORD, PASSWORD, account_id=ALICE, entropy=Seeded(b"short")))
    with pytest.raises(CryptoError):
        unwrap_key(vault, WrapSlot.PASSWORD, PASSWORD, account_id=ALICE)


def test_a_name_too_long_for_the_vault_is_refused_when_sealing() -> None:
    contact = dataclasses.replace(BODY.contacts[0], name="x" * 257)
    with pytest.raises(UsageError):
        sealed(dataclasses.replace(BODY, contacts=(contact,)))


def test_nothing_secret_prints() -> None:
    printed = repr((BODY, BODY.rooms, KEY, VAULT))
    for secret in (BODY.identity_seed, BODY.rooms[0].access_key, KEY.reveal()):
        assert secret.hex() not in printed
        assert repr(secret)[2:-1] not in printed

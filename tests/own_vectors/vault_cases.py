"""The vault (docs/spec/auth.md): sealed with named nonces, and opened."""

from typing import Any

from entrenous.crypto import Secret
from entrenous.identity import Label, StoredVault, VaultBody, VaultKey, WrappedKey, WrapSlot, wrap_key
from entrenous.identity.committed import CommittedCiphertext, seal_committed
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile, run
from entrenous.testing.vectors.entropy import named
from own_vectors.making import Case, cuts, file_of, flipped, plain
from own_vectors.people import ACCOUNT, OTHER, ROOM

VAULT_KEY, EXPORT_KEY, RECOVERY_KEY = b"\x56" * 32, b"\x45" * 64, b"\x46" * 64
NONCES = [b"\xff" * 12, b"\xfe" * 12, b"\xfd" * 12]
CONTACT = {"account": OTHER.account_id, "identity_key": OTHER.credential.identity_key, "name": "Zoë", "verified": 1}
KNOWN_ROOM = {"room": ROOM, "access_key": b"\x4c" * 32, "generation": 1, "epoch": 5, "sequence": 300}
SEALING: dict[str, Any] = {
    "account": ACCOUNT.account_id,
    "vault_key": VAULT_KEY,
    "export_keys": [EXPORT_KEY, RECOVERY_KEY],
    "nonces": NONCES,
    "counter": 3,
    "identity_seed": b"\xa2" * 32,
    "contacts": [CONTACT],
    "blocks": [b"\xc1" * 16],
    "rooms": [KNOWN_ROOM],
}
EMPTY: dict[str, list[Any]] = {"contacts": [], "blocks": [], "rooms": []}
#: Bytes of a body without contacts, blocks and rooms: counter, seed and three empty vectors.
EMPTY_SIZE = 8 + 32 + 3


def sealed(**others: Any) -> bytes:
    return bytes.fromhex(run("auth-vaults-sealing", plain({**SEALING, **others}))[1]["vault"])


def body(plaintext: bytes, label: Label = Label.VAULT_BODY) -> CommittedCiphertext:
    return seal_committed(VaultKey(VAULT_KEY), label, ACCOUNT.account_id, plaintext, named(NONCES[2]))


def wrapped(slot: WrapSlot, export_key: bytes = EXPORT_KEY) -> WrappedKey:
    return wrap_key(
        VaultKey(VAULT_KEY), slot, Secret(export_key), account_id=ACCOUNT.account_id, entropy=named(NONCES[0])
    )


def stored(box: CommittedCiphertext, *keys: WrappedKey, form: int = 1) -> bytes:
    return StoredVault(form, keys or (wrapped(WrapSlot.PASSWORD),), box).encode()


def openings() -> list[Case]:
    def given(vault: bytes, **others: Any) -> dict[str, Any]:
        fields = {"account": ACCOUNT.account_id, "vault": vault, "slot": 1, "export_key": EXPORT_KEY}
        return {**fields, "newest_known": 3, "told": 3, **others}

    large, content = sealed(), VaultBody(3, b"\xa2" * 32, (), (), ()).encode()
    password = wrapped(WrapSlot.PASSWORD)
    recovery = WrappedKey(WrapSlot.RECOVERY, password.box)
    short = WrappedKey(
        WrapSlot.PASSWORD,
        seal_committed(
            Secret(EXPORT_KEY), Label.VAULT_WRAP, b"\x01" + ACCOUNT.account_id, VAULT_KEY[:31], named(NONCES[0])
        ),
    )
    right, padded = body(content + b"\x80"), content + b"\x80" + bytes(4096 - len(content) - 1)
    whole = stored(right, password, wrapped(WrapSlot.RECOVERY, RECOVERY_KEY))
    recommitted = CommittedCiphertext(right.nonce, bytes(32), right.ciphertext)
    wrong: dict[str, tuple[dict[str, Any], str]] = {
        "another export key": (given(whole, export_key=RECOVERY_KEY), CRYPTO),
        "the other slot's": (given(whole, slot=2), CRYPTO),
        "another account": (given(whole, account=OTHER.account_id), CRYPTO),
        "an older vault than is known": (given(whole, newest_known=4), "ID-VAULT-ROLLBACK"),
        "a vault that the server calls a newer one": (given(whole, told=4), "AUTH-VAULT-VERSION"),
        "a vault that the server calls an older one": (given(whole, newest_known=0, told=2), "AUTH-VAULT-VERSION"),
        "a slot that is empty": (given(sealed_with_one_key(), slot=2, export_key=RECOVERY_KEY), CRYPTO),
        "a wrapped key moved to the other slot": (given(stored(right, recovery), slot=2), CRYPTO),
        "a vault key of 31 bytes": (given(stored(right, short)), CRYPTO),
        "another commitment": (given(stored(recommitted)), CRYPTO),
        "a body sealed under the other label": (given(stored(body(padded, Label.VAULT_WRAP))), CRYPTO),
        "a changed bit in the body": (given(flipped(whole, -1)), CRYPTO),
        "a changed bit in the wrapped key": (given(flipped(whole, 60)), CRYPTO),
        "format 2": (given(stored(right, form=2)), MALFORMED),
        "the slots in the other order": (given(stored(right, recovery, password)), MALFORMED),
        "a slot twice": (given(stored(right, password, password)), MALFORMED),
        "a slot that does not exist": (given(whole[:3] + b"\x03" + whole[4:]), MALFORMED),
        "a body without the byte of its padding": (given(stored(body(content + bytes(10)))), MALFORMED),
        "a body of padding alone": (given(stored(body(bytes(64)))), MALFORMED),
        "a body with a byte after its end": (given(stored(body(content + b"\x01\x80"))), MALFORMED),
        **{f"a vault {how}": (given(data), MALFORMED) for how, data in cuts(sealed_with_one_key())},
    }
    return [
        Case("with the password", given(large)),
        Case("with the recovery code", given(large, slot=2, export_key=RECOVERY_KEY)),
        Case("a newer one than is known", given(whole, newest_known=2)),
        Case("of a new device, which knows of none", given(sealed_with_one_key(), newest_known=0)),
        *(Case(name, fields, end) for name, (fields, end) in wrong.items()),
    ]


def sealed_with_one_key() -> bytes:
    """A small vault: its body is not padded as one should be, which its reader does not judge."""
    return stored(body(VaultBody(3, b"\xa2" * 32, (), (), ()).encode() + b"\x80"))


def sealings() -> list[Case]:
    fits = [b"\xc1" * 12 + n.to_bytes(4, "big") for n in range((4096 - EMPTY_SIZE - 3) // 16)]
    return [
        Case("a contact, a block and a room", SEALING),
        Case("a new account's", {**SEALING, **EMPTY, "counter": 1}),
        Case("more than fits 4,096 bytes", {**SEALING, **EMPTY, "blocks": [*fits, b"\xc2" * 16]}),
    ]


def files() -> list[VectorFile]:
    return [
        file_of("auth-vaults", "auth.md", "A client opens a vault through one of its slots.", openings()),
        file_of("auth-vaults-sealing", "auth.md", "A client makes a vault.", sealings()),
    ]

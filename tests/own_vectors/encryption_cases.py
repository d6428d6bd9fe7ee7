"""HPKE in the suite of rooms (docs/spec/groups.md, "Numbers"), everything random named."""

from typing import Any

from bad_points import LOW_ORDER_X25519, unreduced_keys
from entrenous.crypto import XWING
from entrenous.testing.vectors import CRYPTO, VectorFile, run
from own_vectors.making import Case, file_of, flipped, plain

IKM, INFO, ENCAPSULATION = b"\x61" * 48, b"an info", bytes(range(64))
PUBLIC = XWING.derive_key_pair(IKM).public
#: Bytes of ML-KEM-768's encapsulation key and ciphertext, which come first.
KEY, CIPHERTEXT = 1184, 1088


def sealing(**others: Any) -> dict[str, Any]:
    fields = {"public_key": PUBLIC, "info": INFO, "plaintext": b"a path secret", "encapsulation": ENCAPSULATION}
    return {**fields, **others}


def sealed(**others: Any) -> dict[str, bytes]:
    _, results = run("groups-hpke-sealing", plain(sealing(**others)))
    return {name: bytes.fromhex(value) for name, value in results.items()}


def openings() -> list[Case]:
    def given(**others: Any) -> dict[str, Any]:
        return {"ikm": IKM, "info": INFO, **right, **others}

    right, low_order = sealed(), LOW_ORDER_X25519[0]
    output, ciphertext = right["kem_output"], right["ciphertext"]
    wrong = {
        "another info": given(info=b"another"),
        "another key": given(ikm=b"\x62" * 48),
        "a changed bit in ML-KEM's ciphertext": given(kem_output=flipped(output, 0)),
        "a changed bit in X25519's key": given(kem_output=flipped(output, CIPHERTEXT)),
        "X25519's key of low order": given(kem_output=output[:CIPHERTEXT] + low_order),
        "an encapsulation a byte too short": given(kem_output=output[:-1]),
        "an encapsulation a byte too long": given(kem_output=output + b"\0"),
        "a changed bit in the ciphertext": given(ciphertext=flipped(ciphertext, 0)),
        "a ciphertext that is shorter than a tag": given(ciphertext=ciphertext[-15:]),
    }
    return [
        Case("a path secret", given()),
        Case("nothing", given(**sealed(plaintext=b""))),
        *(Case(name, fields, CRYPTO) for name, fields in wrong.items()),
    ]


def sealings() -> list[Case]:
    bad = {
        f"X25519's half is of low order: {number + 1}": PUBLIC[:KEY] + LOW_ORDER_X25519[place]
        for number, place in enumerate((0, 2, 4, 8, 13))
    } | {
        f"a coefficient of ML-KEM's half is not reduced: {number + 1}": key + PUBLIC[KEY:]
        for number, key in enumerate(unreduced_keys(PUBLIC[:KEY], (0, 767)))
    }
    wrong_sizes = {"a key a byte too short": PUBLIC[:-1], "a key a byte too long": PUBLIC + b"\0"}
    return [
        Case("a path secret", sealing()),
        Case("other randomness", sealing(encapsulation=ENCAPSULATION[::-1])),
        *(Case(name, sealing(public_key=key), CRYPTO) for name, key in (bad | wrong_sizes).items()),
    ]


def files() -> list[VectorFile]:
    open_it, seal_it = "Derive a key pair and open what was sealed to it.", "Seal to a public key. There is no aad."
    return [
        file_of("groups-hpke", "groups.md", open_it, openings()),
        file_of("groups-hpke-sealing", "groups.md", seal_it, sealings()),
    ]

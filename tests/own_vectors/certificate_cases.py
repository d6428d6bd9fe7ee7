"""The preface and the server's certificate (docs/spec/channel.md)."""

import dataclasses
from typing import Any

from entrenous.crypto import SigningKey
from entrenous.identity import Label, RotationStatement, ServerIdentityKey, issue_certificate, signed
from entrenous.identity.certificate import RotationTBS, ServerCertificate, ServerCertificateTBS
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile
from own_vectors.making import Case, cuts, file_of, flipped
from own_vectors.people import NOT_AFTER, OTHER_SERVER, SERVER, key

STATIC = b"\xcc" * 32
ONCE = SERVER.rotate(key(0x03))
TWICE = ONCE.rotate(key(0x04))


def issued(identity: ServerIdentityKey = SERVER, suite: int = 1, static_key: bytes = STATIC) -> bytes:
    return issue_certificate(identity, suite=suite, static_key=static_key, not_after=NOT_AFTER)


def given(certificate: bytes, **others: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"suite": 1, "static_key": STATIC, "pin": SERVER.server_id, "known_key": None}
    return {"certificate": certificate, **fields, "now": NOT_AFTER - 1, **others}


def changed(identity: ServerIdentityKey, label: Label = Label.SERVER_CERTIFICATE, **fields: Any) -> bytes:
    """With other fields, and signed as they are."""
    tbs = dataclasses.replace(ServerCertificate.decode(issued(identity)).tbs, **fields)
    return ServerCertificate(tbs, identity.signing_key.sign(signed(label, tbs))).encode()


def statement(
    old: SigningKey, new: SigningKey, signer: SigningKey, label: Label = Label.SERVER_ROTATION
) -> RotationStatement:
    body = RotationTBS(SERVER.server_id, old.public, new.public)
    return RotationStatement(old.public, new.public, signer.sign(signed(label, body)))


def rotated(*statements: RotationStatement, last: int) -> bytes:
    tbs = ServerCertificateTBS(SERVER.server_id, key(last).public, 1, STATIC, NOT_AFTER, statements)
    return ServerCertificate(tbs, key(last).sign(signed(Label.SERVER_CERTIFICATE, tbs))).encode()


def longest() -> ServerIdentityKey:
    identity = SERVER
    for number in range(16):
        identity = identity.rotate(key(0x20 + number))
    return identity


FIRST, SECOND = statement(key(1), key(3), key(1)), statement(key(3), key(4), key(3))


def successes() -> list[Case]:
    return [
        Case("the pinned server", given(issued())),
        Case("in its last second", given(issued(), now=NOT_AFTER)),
        Case("without a pin: whom it names is shown to a person", given(issued(), pin=None)),
        Case("the identity key that was seen last", given(issued(), known_key=SERVER.signing_key.public)),
        Case(
            "suite 2, whose static keys have 256 bytes",
            given(issued(suite=2, static_key=b"\xcc" * 256), suite=2, static_key=b"\xcc" * 256),
        ),
        Case("after one rotation the server id is the same", given(issued(ONCE), known_key=SERVER.signing_key.public)),
        Case("after two rotations", given(issued(TWICE), known_key=ONCE.signing_key.public)),
        Case("as many rotations as there can be", given(issued(longest()))),
    ]


def refusals() -> list[Case]:
    other_key = {"known_key": OTHER_SERVER.signing_key.public}
    return [
        Case("a second after its end", given(issued(), now=NOT_AFTER + 1), "CHAN-CERT-EXPIRED"),
        Case("another suite's", given(issued(suite=2)), "CHAN-CERT-SUITE"),
        Case("another static key's", given(issued(), static_key=b"\xcd" * 32), "CHAN-CERT-KEY"),
        Case("another server's, which is right in itself", given(issued(OTHER_SERVER)), "CHAN-PIN"),
        Case(
            "its server id is not that of its first key",
            given(changed(SERVER, server_id=OTHER_SERVER.server_id)),
            "CHAN-CERT-ID",
        ),
        Case(
            "an identity key that does not follow from the one seen last",
            given(issued(), **other_key),
            "CHAN-CERT-ROLLBACK",
        ),
        Case(
            "an identity key that was rotated out",
            given(issued(), known_key=ONCE.signing_key.public),
            "CHAN-CERT-ROLLBACK",
        ),
        Case(
            "rotations in another order: the first key is another",
            given(rotated(SECOND, FIRST, last=4)),
            "CHAN-CERT-ID",
        ),
        Case(
            "a rotation is left out",
            given(rotated(FIRST, statement(key(4), key(5), key(4)), last=5)),
            "CHAN-CERT-ROTATION",
        ),
        Case(
            "a rotation leads back to a key that was replaced",
            given(rotated(FIRST, statement(key(3), key(1), key(3)), last=1)),
            "CHAN-CERT-ROTATION",
        ),
        Case("the rotations do not lead to the identity key", given(rotated(FIRST, last=4)), "CHAN-CERT-ROTATION"),
        Case(
            "a rotation that the new key has signed", given(rotated(statement(key(1), key(3), key(3)), last=3)), CRYPTO
        ),
        Case(
            "a rotation signed under another label",
            given(rotated(statement(key(1), key(3), key(1), Label.SERVER_CERTIFICATE), last=3)),
            CRYPTO,
        ),
        Case("signed under another label", given(changed(SERVER, Label.SERVER_ROTATION)), CRYPTO),
        Case("signed by another key", given(issued()[:-64] + OTHER_SERVER.signing_key.sign(b"")), CRYPTO),
        Case("a changed bit in the signature", given(flipped(issued(), -1)), CRYPTO),
        Case("a changed bit in what is signed", given(flipped(issued(), -66)), CRYPTO),
        Case("a signature whose scalar is not reduced", given(unreduced(issued())), CRYPTO),
        Case("17 rotations", given(too_many()), MALFORMED),
        Case("a static key of 257 bytes", given(with_long_key()), MALFORMED),
        Case("a header that is longer than it needs to be", given(with_long_header()), MALFORMED),
        *(Case(how, given(data), MALFORMED) for how, data in cuts(issued())),
    ]


def unreduced(certificate: bytes) -> bytes:
    """The same signature with the group's order added to its scalar."""
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(certificate[-32:], "little") + order
    return certificate[:-32] + scalar.to_bytes(32, "little")


def too_many() -> bytes:
    """One more statement than there can be, with the header that announces it."""
    whole = issued(longest())
    start = len(issued()) - 65
    return whole[:start] + (0x4000 | 17 * 128).to_bytes(2, "big") + FIRST.encode() * 17 + whole[-64:]


def with_long_key() -> bytes:
    whole = issued()
    return whole[:65] + bytes.fromhex("4101") + bytes(257) + whole[98:]


def with_long_header() -> bytes:
    """The static key's 32 bytes announced in a header of two."""
    whole = issued()
    return whole[:65] + bytes.fromhex("4020") + whole[66:]


def prefaces() -> list[Case]:
    refused = {
        "47455420": ("a web browser", "CHAN-PREFACE"),
        "58": ("a wrong first byte, before more has come", "CHAN-PREFACE"),
        "454e545301": ("a wrong fourth byte", "CHAN-PREFACE"),
        "454e54520001": ("version 0", "CHAN-VERSION"),
        "454e54520201": ("version 2", "CHAN-VERSION"),
        "454e54520100": ("suite 0", "CHAN-SUITE"),
        "454e54520103": ("suite 3", "CHAN-SUITE"),
    }
    taken = {
        "454e54520101": "suite 1",
        "454e54520102": "suite 2",
        "": "nothing has come",
        "454e54": "the beginning",
        "454e545202": "five bytes do not tell yet",
    }
    return [
        *(Case(comment, {"received": data}) for data, comment in taken.items()),
        *(Case(comment, {"received": data}, rule) for data, (comment, rule) in refused.items()),
    ]


def files() -> list[VectorFile]:
    return [
        file_of(
            "channel-prefaces", "channel.md", "A server reads at most the first six bytes of a connection.", prefaces()
        ),
        file_of("channel-certificates", "channel.md", "A client judges a ServerCertificate.", successes() + refusals()),
    ]

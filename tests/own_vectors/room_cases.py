"""Leaves, settings, contents and what is sealed for joiners (docs/spec/groups.md)."""

import dataclasses
from typing import Any

from bad_points import LOW_ORDER_ED25519, UNIVERSAL_FORGERY
from entrenous.client.rooms.commits import WelcomeData
from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.codec import encode_length
from entrenous.content import (
    Content,
    JoinPolicy,
    MemberRole,
    Role,
    RoomAccessKey,
    RoomLink,
    Text,
    Unknown,
    new_settings,
)
from entrenous.identity import (
    AccountIdentity,
    Label,
    LeafCertificate,
    first_device_list,
    issue_leaf_certificate,
    signed,
)
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile
from entrenous.testing.vectors.entropy import named
from entrenous.wire import LogPosition
from own_vectors.making import Case, cuts, file_of, flipped
from own_vectors.people import ACCOUNT, DEVICE, MESSAGE_ID, OTHER, OTHER_ROOM, ROOM, SECOND

SENT_AT = 1_750_000_000_000
ACCESS = AccessKey(1, RoomAccessSecret(b"\x4c" * 32))
CERTIFICATE = issue_leaf_certificate(ACCOUNT, first_device_list(ACCOUNT.account_id, DEVICE.entry), DEVICE.entry)
TEA = new_settings("tea", ACCOUNT.account_id)


def vector(data: bytes) -> bytes:
    return encode_length(len(data)) + data


def leaf_certificates() -> list[Case]:
    def given(certificate: bytes, **others: Any) -> dict[str, Any]:
        fields = {"identity": ACCOUNT.credential.encode(), "signature_key": DEVICE.entry.mls_key}
        return {**fields, "certificate": certificate, **others}

    def changed(signer: AccountIdentity = ACCOUNT, label: Label = Label.LEAF_CERTIFICATE, **fields: Any) -> bytes:
        tbs = dataclasses.replace(LeafCertificate.decode(CERTIFICATE).tbs, **fields)
        return LeafCertificate(tbs, signer.signing_key.sign(signed(label, tbs))).encode()

    weak = ACCOUNT.account_id + LOW_ORDER_ED25519[2]
    wrong = {
        "another account than the credential's": (given(changed(account_id=OTHER.account_id)), "ID-LEAF-ACCOUNT"),
        "another signature key than the leaf's": (
            given(CERTIFICATE, signature_key=SECOND.entry.mls_key),
            "ID-LEAF-KEY",
        ),
        "the device's login key": (given(CERTIFICATE, signature_key=DEVICE.entry.login_key), "ID-LEAF-KEY"),
        "version 0 of the device list": (given(changed(list_version=0)), "ID-LEAF-VERSION"),
        "signed by another account": (given(changed(OTHER)), CRYPTO),
        "signed under another label": (given(changed(label=Label.DEVICE_LIST)), CRYPTO),
        "another device than was signed": (given(flipped(CERTIFICATE, 20)), CRYPTO),
        "another hash than was signed": (given(flipped(CERTIFICATE, 80)), CRYPTO),
        "a changed bit in the signature": (given(flipped(CERTIFICATE, -1)), CRYPTO),
        "an identity key of low order": (given(CERTIFICATE[:-64] + UNIVERSAL_FORGERY, identity=weak), CRYPTO),
        **{f"a certificate {how}": (given(data), MALFORMED) for how, data in cuts(CERTIFICATE)},
        **{
            f"a credential {how}": (given(CERTIFICATE, identity=data), MALFORMED)
            for how, data in cuts(ACCOUNT.credential.encode())
        },
    }
    return [
        Case("the page's example", given(CERTIFICATE)),
        Case("a device with an old list", given(changed(list_version=2**32 - 1))),
        *(Case(name, fields, end) for name, (fields, end) in wrong.items()),
    ]


def many_links(number: int) -> tuple[RoomLink, ...]:
    return tuple(RoomLink(bytes((n,)) * 16, bytes((n,)) * 32, Role.MEMBER) for n in range(1, number + 1))


def with_lists(banned: bytes = b"", links: bytes = b"") -> bytes:
    """The settings of the page's example with lists that the codec of ours would not write."""
    marks = dataclasses.replace(TEA, banned=(b"\xbb" * 16,), links=many_links(1)).encode()
    marked = vector(b"\xbb" * 16), vector(many_links(1)[0].encode())
    return marks.replace(marked[0], vector(banned)).replace(marked[1], vector(links))


def settings() -> list[Case]:
    low, high = MemberRole(b"\x01" * 16, Role.ADMIN), MemberRole(b"\x02" * 16, Role.MEMBER)
    links = (RoomLink(b"\x01" * 16, b"\x05" * 32, Role.MEMBER), RoomLink(b"\x02" * 16, b"\x06" * 32, Role.ADMIN))

    def changed(**fields: Any) -> bytes:
        return dataclasses.replace(TEA, **fields).encode()

    tea = TEA.encode()
    after_topic = len(TEA.name) + 4
    order = "ROOM-SETTINGS-ORDER"
    right = {
        "the page's example": tea,
        "everything there is": changed(
            topic="green\nblack",
            members=(low, high),
            banned=(b"\x03" * 16,),
            links=links,
            join_policy=JoinPolicy.MEMBERS_ADD,
        ),
        "a name and a topic of no characters": changed(name="", topic=""),
        "no members": changed(members=()),
        "the longest name, of characters of two bytes": changed(name="é" * 128),
        "the shortest retention": changed(retention_seconds=1),
        "the longest retention": changed(retention_seconds=2_592_000),
        "the longest topic": changed(topic="t" * 2048),
        "64 links": changed(links=many_links(64)),
        "a name that is not joined stays as it is": changed(name="e\u0301"),
    }
    wrong: dict[str, tuple[bytes, str]] = {
        "members in the other order": (changed(members=(high, low)), order),
        "a member twice": (changed(members=(low, low)), order),
        "banned ids in the other order": (changed(banned=(b"\x04" * 16, b"\x03" * 16)), order),
        "a banned id twice": (changed(banned=(b"\x03" * 16,) * 2), order),
        "links in the other order": (changed(links=links[::-1]), order),
        "a banned member": (changed(banned=(ACCOUNT.account_id,)), "ROOM-SETTINGS-BANNED"),
        "a retention of nothing": (changed(retention_seconds=0), "ROOM-SETTINGS-RETENTION"),
        "a second more than 30 days": (changed(retention_seconds=2_592_001), "ROOM-SETTINGS-RETENTION"),
        "version 2": (b"\x00\x02" + tea[2:], MALFORMED),
        "version 0": (b"\x00\x00" + tea[2:], MALFORMED),
        "a role that does not exist": (
            tea.replace(ACCOUNT.account_id + b"\x02", ACCOUNT.account_id + b"\x03"),
            MALFORMED,
        ),
        "a join policy that does not exist": (tea[:-2] + b"\x03" + tea[-1:], MALFORMED),
        "a name of 257 bytes": (tea[:2] + vector(b"n" * 257) + tea[6:], MALFORMED),
        "a topic of 2,049 bytes": (tea[: after_topic + 2] + vector(b"t" * 2049) + tea[after_topic + 3 :], MALFORMED),
        "a name that is not UTF-8": (tea[:3] + b"t\xffa" + tea[6:], MALFORMED),
        "a name with half a character": (tea[:3] + b"\xed\xa0\x80" + tea[6:], MALFORMED),
        "a name with a character in too many bytes": (tea[:3] + b"a\xc1\xa1" + tea[6:], MALFORMED),
        "65 links": (with_lists(links=b"".join(each.encode() for each in many_links(65))), MALFORMED),
        "2,001 banned ids": (with_lists(banned=b"\x03" * 16 * 2001), MALFORMED),
        "a link twice": (changed(links=many_links(1) * 2), order),
        "2,001 members": (tea[:7] + vector(low.encode() * 2001) + tea[25:], MALFORMED),
        "a header that is longer than it needs to be": (tea[:2] + b"\x40\x03" + tea[3:], MALFORMED),
        "a header that begins with 11": (tea[:2] + b"\xc3" + tea[3:], MALFORMED),
        **{f"settings {how}": (data, MALFORMED) for how, data in cuts(tea)},
    }
    return [
        *(Case(name, {"settings": data}) for name, data in right.items()),
        *(Case(name, {"settings": data}, end) for name, (data, end) in wrong.items()),
    ]


def contents() -> list[Case]:
    head = MESSAGE_ID + SENT_AT.to_bytes(8, "big")

    def text(data: bytes) -> bytes:
        """A text's Content, whatever its bytes are."""
        return head + b"\x00\x01" + vector(vector(data))

    hello = Content(MESSAGE_ID, SENT_AT, Text("hello")).encode()
    right = {
        "the page's example": hello,
        "no characters": text(b""),
        "characters of two, three and four bytes": text("é€😀".encode()),
        "a zero byte and line breaks": text(b"a\x00b\r\nc"),
        "characters that are not joined stay as they are": text("e\u0301".encode()),
        "the longest text": text(b"x" * 32768),
        "the highest time": Content(MESSAGE_ID, 2**64 - 1, Text("hello")).encode(),
        "a room access key": Content(MESSAGE_ID, SENT_AT, RoomAccessKey(1, b"\x4c" * 32)).encode(),
        "the longest body": Content(MESSAGE_ID, SENT_AT, Unknown(3, b"?" * 65536)).encode(),
        "an unknown kind is kept": Content(MESSAGE_ID, SENT_AT, Unknown(3, b"\xff\x00")).encode(),
        "an unknown kind without a byte": Content(MESSAGE_ID, SENT_AT, Unknown(0xFFFF, b"")).encode(),
        "kind 0 is unknown too": Content(MESSAGE_ID, SENT_AT, Unknown(0, b"?")).encode(),
    }
    wrong = {
        "a text that is not UTF-8": text(b"\xff"),
        "half a character, as UTF-16 has it": text(b"\xed\xa0\x80"),
        "a slash in two bytes": text(b"\xc0\xaf"),
        "a character above the highest": text(b"\xf4\x90\x80\x80"),
        "a character that is cut off": text("é".encode()[:1]),
        "a text of 32,769 bytes": text(b"x" * 32769),
        "a text that does not fill its body": head + b"\x00\x01" + vector(vector(b"hello") + b"\0"),
        "a body that is cut off": head + b"\x00\x01" + vector(b"\x06hello"),
        "a body of a known kind without a byte": head + b"\x00\x01\x00",
        "a room access key of 31 bytes": head + b"\x00\x02" + vector(bytes(35)),
        "a body of 65,537 bytes": head + b"\x00\x03" + vector(bytes(65537)),
        "a header that is longer than it needs to be": head + b"\x00\x03\x40\x01?",
        **dict(cuts(hello)),
    }
    return [
        *(Case(name, {"content": data}) for name, data in right.items()),
        *(Case(name, {"content": data}, MALFORMED) for name, data in wrong.items()),
    ]


def paddings() -> list[Case]:
    sizes = (0, 1, 255, 256, 257, 512, 513, 4095, 4096, 4097, 4352, 8192, 8193, 10000, 65535, 65536, 100000, 1200000)
    return [Case(f"{size} bytes", {"size": size}) for size in sizes]


def access_keys() -> list[Case]:
    secret = bytes(range(48))
    generations = {"epoch 0": 1, "a later epoch": 7, "the last number": 2**32 - 1}
    return [Case(name, {"exporter_secret": secret, "generation": number}) for name, number in generations.items()]


def sealed_states() -> list[Case]:
    def given(sealed: bytes, **others: Any) -> dict[str, Any]:
        fields = {"generation": 1, "access_key": b"\x4c" * 32, "kind": 2, "room": ROOM}
        return {**fields, "sealed": sealed, **others}

    right = ACCESS.seal(SealedKind.TREE, ROOM, 5, b"a tree", named(b"\xff" * 12))
    later = AccessKey(2, ACCESS.secret).seal(SealedKind.TREE, ROOM, 5, b"a tree", named(b"\xff" * 12))
    high = ACCESS.seal(SealedKind.TREE, ROOM, 2**40 + 5, b"a tree", named(b"\xff" * 12))
    empty = ACCESS.seal(SealedKind.TREE, ROOM, 0, b"", named(b"\xff" * 12))
    wrong = {
        "another generation": (given(right, generation=2), "ROOM-ACCESS-GENERATION"),
        "a later generation than the key's": (given(later), "ROOM-ACCESS-GENERATION"),
        "a generation that is 2^16 later": (given(right, generation=2**16 + 1), "ROOM-ACCESS-GENERATION"),
        "the generation was changed on the way": (given(flipped(right, 3, 3), generation=2), CRYPTO),
        "the epoch was changed on the way": (given(flipped(right, 11)), CRYPTO),
        "another key": (given(right, access_key=b"\x4d" * 32), CRYPTO),
        "another room": (given(right, room=OTHER_ROOM), CRYPTO),
        "another kind": (given(right, kind=3), CRYPTO),
        "a changed bit": (given(flipped(right, -1)), CRYPTO),
        "no room for a tag": (given(right[:24] + vector(bytes(15))), CRYPTO),
        **{how: (given(data), MALFORMED) for how, data in cuts(right)},
    }
    return [
        Case("a tree", given(right)),
        Case("nothing at all", given(empty)),
        Case("an epoch above 2^32", given(high)),
        *(Case(name, fields, end) for name, (fields, end) in wrong.items()),
    ]


def state_sealings() -> list[Case]:
    fields = {"generation": 1, "access_key": b"\x4c" * 32, "room": ROOM, "nonce": b"\xff" * 12}
    plaintexts = {1: b"a GroupInfo", 2: b"a tree", 3: b"changed nodes"}
    return [
        Case(text.decode(), {**fields, "kind": kind, "epoch": kind - 2 if kind > 1 else 0, "plaintext": text})
        for kind, text in plaintexts.items()
    ]


def welcome_data() -> list[Case]:
    right = WelcomeData(1, b"\x4c" * 32, LogPosition.start(ROOM).then(b"hello")).encode()
    return [
        Case("the page's example", {"welcome_data": right}),
        *(Case(how, {"welcome_data": data}, MALFORMED) for how, data in cuts(right)),
    ]


def files() -> list[VectorFile]:
    page = "groups.md"
    return [
        file_of(
            "groups-leaf-certificates",
            page,
            "Judge a leaf by its credential, its key and its certificate.",
            leaf_certificates(),
        ),
        file_of("groups-settings", page, "Read a room's settings.", settings()),
        file_of("groups-contents", page, "Read a Content.", contents()),
        file_of("groups-padding", page, "The size that a PrivateMessageContent is padded to.", paddings()),
        file_of(
            "groups-access-keys",
            page,
            "The room access key of a generation, from its epoch's exporter_secret.",
            access_keys(),
        ),
        file_of("groups-sealed-state", page, "Open what a member has sealed for joiners.", sealed_states()),
        file_of("groups-sealed-state-sealing", page, "Seal for joiners.", state_sealings()),
        file_of("groups-welcome-data", page, "Read a Welcome's extension of ours.", welcome_data()),
    ]

"""docs/spec against the code: every worked example is what the code makes. Tables and listings: test_spec_tables.py."""

import re
from collections.abc import Callable

import pytest

from entrenous.channel.preface import encode_preface
from entrenous.channel.records import RecordWriter, RekeyPolicy
from entrenous.channel.suites import CLASSIC, HYBRID
from entrenous.client.message_ids import MessageIds
from entrenous.client.rooms import commits
from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.content import Content, Text, new_settings
from entrenous.crypto import AeadId, Argon2Parameters, Secret, SigningKey
from entrenous.identity import (
    AccountIdentity,
    DeviceKeys,
    InviteLink,
    Inviter,
    Label,
    LinkingCode,
    RecoveryCode,
    ServerIdentityKey,
    VaultKey,
    WrapSlot,
    first_device_list,
    format_link,
    format_linking_code,
    format_recovery_code,
    issue_certificate,
    issue_leaf_certificate,
    linking_keys,
    opaque_context,
    safety_number,
    sign_device_list,
    sign_device_login,
    signed,
    wrap_key,
)
from entrenous.identity.certificate import ServerCertificateTBS
from entrenous.identity.leaf import LeafCertificate
from entrenous.identity.login import DeviceLoginTBS
from entrenous.noise import CipherState
from entrenous.opaque import argon2id_stretching
from entrenous.wire import (
    CommitData,
    ErrorCode,
    LogPosition,
    MessageData,
    RosterAction,
    RosterChange,
    encode_answer,
    encode_call,
    encode_event,
    events,
    replies,
    requests,
)
from spec_pages import PAGES, page

BLOCK = re.compile(r"^```(hex|text) ([a-z0-9-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# The values that docs/spec/README.md names for its examples.
ROOM, TOKEN, HANDSHAKE_HASH, STATIC_KEY = b"\x10" * 16, b"\x70" * 16, b"\x11" * 32, b"\xcc" * 32
SERVER = ServerIdentityKey(SigningKey.from_seed(b"\x01" * 32))
NOT_AFTER, SENT_AT = 1_800_000_000, 1_750_000_000_000
ACCOUNT = AccountIdentity(b"\xa1" * 16, SigningKey.from_seed(b"\xa2" * 32))
OTHER = AccountIdentity(b"\xb1" * 16, SigningKey.from_seed(b"\xb2" * 32))
DEVICE = DeviceKeys.restore(b"\xd1" * 16, b"\xd2" * 32, b"\xd3" * 32)
DEVICES = first_device_list(ACCOUNT.account_id, DEVICE.entry)
MESSAGE_ID = bytes.fromhex("010203040506070800000001")
ACCESS = AccessKey(1, RoomAccessSecret(b"\x4c" * 32))
POSITION = LogPosition.start(ROOM).then(b"hello")
CERTIFICATE_TBS = ServerCertificateTBS(
    SERVER.server_id, SERVER.signing_key.public, HYBRID.number, STATIC_KEY, NOT_AFTER, ()
)
LOGIN = DeviceLoginTBS(HANDSHAKE_HASH, SERVER.server_id, ACCOUNT.account_id, DEVICE.device_id, 7)
LINK = InviteLink("chat.example.org", 7443, SERVER.server_id, TOKEN, Inviter.of(ACCOUNT.credential))
RECOVERY = RecoveryCode(bytes(range(16)))
LINKING = LinkingCode(bytes(range(10)))
FOUND = Argon2Parameters(65536, 3, 4)
PING = encode_call(7, requests.Ping())


def ff(size: int) -> bytes:
    """The Entropy of the examples."""
    return b"\xff" * size


def records(policy: RekeyPolicy, messages: int) -> bytes:
    """Records under the example's key, each with the framed Ping."""
    writer = RecordWriter(CipherState(AeadId.AES_256_GCM, b"\x4b" * 32), policy)
    framed = len(PING).to_bytes(4, "big") + PING
    return b"".join(writer.data(framed, 0) for _ in range(messages))


def leaf_certificate() -> LeafCertificate:
    return LeafCertificate.decode(issue_leaf_certificate(ACCOUNT, DEVICES, DEVICE.entry))


def message_id() -> bytes:
    return MessageIds(lambda size: MESSAGE_ID[:size]).next()


EXAMPLES: dict[str, Callable[[], bytes | str]] = {
    "preface-hybrid": lambda: encode_preface(HYBRID),
    "preface-classic": lambda: encode_preface(CLASSIC),
    "server-id": lambda: SERVER.server_id,
    "certificate-signed": lambda: signed(Label.SERVER_CERTIFICATE, CERTIFICATE_TBS),
    "certificate-signature": lambda: issue_certificate(
        SERVER, suite=HYBRID.number, static_key=STATIC_KEY, not_after=NOT_AFTER
    )[-64:],
    "ping-call": lambda: PING,
    "record": lambda: records(RekeyPolicy(), 1),
    "record-rekey": lambda: records(RekeyPolicy(send_records=1), 2)[len(records(RekeyPolicy(), 1)) :],
    "conflict-answer": lambda: encode_answer(7, replies.Error(ErrorCode.CONFLICT, "a Commit came between", number=12)),
    "inbox-event": lambda: encode_event(events.InboxChanged()),
    "opaque-context": lambda: opaque_context(HYBRID.number, HANDSHAKE_HASH),
    "ksf": lambda: argon2id_stretching(FOUND)(bytes(64)),
    "identity-fingerprint": lambda: ACCOUNT.credential.fingerprint(),
    "device-list": lambda: sign_device_list(ACCOUNT, DEVICES),
    "device-list-hash": lambda: DEVICES.hash(),
    "device-login-signed": lambda: signed(Label.DEVICE_LOGIN, LOGIN),
    "device-login-signature": lambda: sign_device_login(
        DEVICE,
        handshake_hash=HANDSHAKE_HASH,
        server_id=SERVER.server_id,
        account_id=ACCOUNT.account_id,
        launch_counter=7,
    ),
    "wrapped-key": lambda: wrap_key(
        VaultKey(b"\x56" * 32), WrapSlot.PASSWORD, Secret(b"\x45" * 64), account_id=ACCOUNT.account_id, entropy=ff
    ).encode(),
    "recovery-words": lambda: format_recovery_code(RECOVERY),
    "invite-link": lambda: format_link(LINK),
    "safety-number": lambda: safety_number(ACCOUNT.credential, OTHER.credential),
    "linking-code": lambda: format_linking_code(LINKING),
    "linking-mailbox": lambda: linking_keys(LINKING).mailbox_id,
    "leaf-certificate-signed": lambda: signed(Label.LEAF_CERTIFICATE, leaf_certificate().tbs),
    "leaf-certificate-signature": lambda: leaf_certificate().signature,
    "room-settings": lambda: new_settings("tea", ACCOUNT.account_id).encode(),
    "welcome-data": lambda: commits.WelcomeData(1, b"\x4c" * 32, POSITION).encode(),
    "sealed": lambda: ACCESS.seal(SealedKind.TREE, ROOM, 0, b"a tree", ff),
    "text-content": lambda: Content(MESSAGE_ID, SENT_AT, Text("hello")).encode(),
    "message-id": message_id,
    "log-start": lambda: LogPosition.start(ROOM).encode(),
    "log-first": lambda: POSITION.encode(),
    "message-data": lambda: MessageData(POSITION).encode(),
    "commit-data": lambda: CommitData(
        MESSAGE_ID, 2_592_000, (RosterChange(OTHER.account_id, RosterAction.ADD),), POSITION, b""
    ).encode(),
    "acknowledge-call": lambda: encode_call(8, requests.Acknowledge(ROOM, 300)),
}


def blocks() -> list[tuple[str, str, str]]:
    """Kind, name and content of every example in the specification; what follows a semicolon is a comment."""
    return [found for name in PAGES for found in BLOCK.findall(page(name))]


def value_of(kind: str, content: str) -> bytes | str:
    if kind == "text":
        return " ".join(content.split())
    return bytes.fromhex("".join(line.partition(";")[0] for line in content.splitlines()))


def test_the_specification_shows_every_example_once() -> None:
    assert sorted(name for _, name, _ in blocks()) == sorted(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_the_code_makes(name: str) -> None:
    written = [value_of(kind, content) for kind, found, content in blocks() if found == name]
    assert written == [EXAMPLES[name]()]

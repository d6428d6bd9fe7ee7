"""One honest message of every kind that crosses a border, and the judge that the product has at each border.

Names are "layer: what". A judge takes the messages whose names begin with one of its own.
"""

import base64
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from msgspec import inspect

from entrenous.channel import CLASSIC, HYBRID, Connection, HandshakeFinished, MessageReceived, Suite
from entrenous.channel.preface import PREFACE_SIZE, encode_preface
from entrenous.channel.records import HEADER_SIZE, frame
from entrenous.client.leaf_owners import owner_of
from entrenous.client.rooms.commits import WelcomeData
from entrenous.client.rooms.sealed import SealedKind
from entrenous.client.rooms.snapshot import NodeChanges
from entrenous.codec import decode_as, encode_as
from entrenous.content import ROOM_SETTINGS_EXTENSION, Content, Text, read_settings
from entrenous.errors import RejectedError
from entrenous.identity import (
    WrapSlot,
    open_vault,
    parse_link,
    parse_vault,
    unwrap_key,
    verify_certificate,
    verify_device_list,
    verify_leaf,
)
from entrenous.mls.framing import unprotect
from entrenous.mls.group import cache_proposal, check_group_info, check_key_package, join, make_group_info, stage
from entrenous.mls.tree import GroupRules
from entrenous.mls.types import (
    ApplicationData,
    Commit,
    Extension,
    GroupInfo,
    InlineProposal,
    KeyPackage,
    MLSMessage,
    RatchetTreeNodes,
    Remove,
    WireFormat,
)
from entrenous.opaque import check_record, finish_login, finish_registration, finish_server_login
from entrenous.server.rooms.entries import check_application, commit_clear_text, read_commit
from entrenous.testing import SeededEntropy
from entrenous.wire import (
    CommitData,
    LogPosition,
    MessageData,
    decode_call,
    decode_from_server,
    encode_answer,
    encode_call,
    encode_event,
)
from entrenous.wire.events import AnyEvent
from entrenous.wire.replies import AnyReply
from entrenous.wire.requests import AnyRequest
from fuzz import logins, real, rooms
from identity_people import device
from room_devices import Device
from unit.channel.connected import NOW, connect, make_client, make_server

_ROOM_ID = rooms.ROOM_ID
_SUITES = (HYBRID, CLASSIC)


@dataclass(frozen=True)
class Judge:
    """What the product calls on bytes that a stranger gave it.

    Attributes:
        own: beginnings of the names of the messages that it takes.
        hear: returns, or raises one of our errors.
    """

    own: tuple[str, ...]
    hear: Callable[[bytes], object]

    def takes(self, name: str) -> bool:
        """Whether the message of that name is one of its own."""
        return name.startswith(self.own)


# The channel.


def _handshake(suite: Suite) -> Iterator[tuple[str, bytes]]:
    client, server = make_client(suite), make_server()
    opening = client.data_to_send(NOW)
    server.receive_data(opening, NOW)
    server.next_event()
    yield f"channel: opening, {suite.label}", opening
    yield f"channel: message 1, {suite.label}", opening[PREFACE_SIZE + HEADER_SIZE :]
    yield f"channel: message 2, {suite.label}", server.data_to_send(NOW)[HEADER_SIZE:]


def _record() -> bytes:
    # The suite without a KEM: the library's encapsulation takes no seed, so only here two channels have the same keys.
    client, _ = connect(CLASSIC)
    client.send_message(b"hello")
    return client.data_to_send(NOW)[HEADER_SIZE:]


def _hear_on(connection: Connection, data: bytes, expected: type) -> None:
    """Bytes, and then no more: the event that they should make, or an error."""
    connection.receive_data(data, NOW)
    connection.eof_received()
    assert isinstance(connection.next_event(), expected)


def _hear_second(suite: Suite, data: bytes) -> None:
    client = make_client(suite)
    client.data_to_send(NOW)
    _hear_on(client, _framed(data), HandshakeFinished)


def _hear_record(data: bytes) -> None:
    _, server = connect(CLASSIC)
    _hear_on(server, _framed(data), MessageReceived)


def _framed(data: bytes) -> bytes:
    """The bytes as one frame, as far as one can hold them."""
    return frame(data[: (1 << 16) - 1])


# Calls, answers and events.


def sample(kind: inspect.Type) -> Any:
    """A value of a type that crosses the channel: the shortest, with one element in every list."""
    match kind:
        case inspect.StructType(cls=cls, fields=fields):
            return cls(*(sample(field.type) for field in fields))
        case inspect.BytesType(min_length=least):
            return bytes(least or 1)
        case inspect.StrType():
            return "text"
        case inspect.IntType():
            return 100_000 if (kind.ge or 0) > 1 else 1
        case inspect.BoolType():
            return True
        case inspect.EnumType(cls=cls):
            return next(iter(cls))
        case inspect.UnionType(types=types):
            return sample(types[0])
        case inspect.VarTupleType(item_type=item):
            return (sample(item),)
        case _:
            raise AssertionError(kind)


def _wire() -> Iterator[tuple[str, bytes]]:
    for front, union, encode in (
        ("call", AnyRequest, functools.partial(encode_call, 1)),
        ("answer", AnyReply, functools.partial(encode_answer, 1)),
        ("event", AnyEvent, encode_event),
    ):
        for cls in get_args(union):
            yield f"wire: {front} {cls.__name__}", encode(sample(inspect.type_info(cls)))


# OPAQUE.


def _opaque() -> Iterator[tuple[str, bytes]]:
    run = logins.exchange()
    names = ("RegistrationRequest", "RegistrationResponse", "RegistrationRecord", "KE1", "KE2", "KE3")
    each = (run.request, run.response, run.record, run.ke1, run.ke2, run.ke3)
    for name, message in zip(names, each, strict=True):
        yield f"opaque: {name}", message


def _unstretched(output: bytes) -> bytes:
    return output


def _hear_response(data: bytes) -> None:
    finish_registration(
        logins.exchange().registration,
        data,
        server_identity=b"server",
        client_identity=b"client",
        ksf=_unstretched,
        entropy=SeededEntropy("envelope"),
    )


def _hear_ke1(data: bytes) -> None:
    run = logins.exchange()
    run.server.start_login(
        run.record,
        data,
        credential_identifier=b"credential",
        context=b"context",
        server_identity=b"server",
        client_identity=b"client",
        entropy=SeededEntropy("answer"),
    )


def _hear_ke2(data: bytes) -> None:
    finish_login(
        logins.exchange().client,
        data,
        context=b"context",
        server_identity=b"server",
        client_identity=b"client",
        ksf=_unstretched,
    )


# Identity.


def _identity() -> Iterator[tuple[str, bytes]]:
    yield "identity: certificate", real.certificate()
    yield "identity: device list", real.device_list()
    yield "identity: leaf certificate", real.leaf_certificate()
    yield "identity: credential", rooms.ALICE.credential.encode()
    yield "identity: vault", real.vault()
    yield "identity: invite", _payload(real.link_text())


def _payload(link: str) -> bytes:
    text = link.partition("#")[2]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hear_invite(data: bytes) -> None:
    text = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    parse_link(f"entrenous://chat.example.org/#{text}")


def _hear_vault(data: bytes) -> None:
    vault = parse_vault(data)
    key = unwrap_key(vault, WrapSlot.PASSWORD, real.EXPORT_KEY, account_id=rooms.ALICE.account_id)
    open_vault(vault, key, account_id=rooms.ALICE.account_id, at_least=0)


# Rooms.


@dataclass(frozen=True)
class _Room:
    """Alice's room with Bob in it, what she sends there, and Carol, whom she invites."""

    alice: Device
    bob: Device
    carol: Device
    said: bytes
    proposed: bytes
    committed: bytes
    welcome: bytes


@functools.cache
def _room() -> _Room:
    alice, bob, carol = (
        Device(owner, device(number)) for number, owner in ((10, rooms.ALICE), (20, rooms.BOB), (30, rooms.CAROL))
    )
    alice.create(_ROOM_ID, [Extension(ROOM_SETTINGS_EXTENSION, rooms.settings().encode())])
    first = alice.prepare(bob.key_package())
    alice.enter(first.epoch)
    bob.join(first.welcome, alice.group.tree)
    position = LogPosition.start(_ROOM_ID)
    said = alice.says(Content(rooms.MESSAGE_ID, 1, Text("hello")).encode(), MessageData(position).encode())
    proposed = alice.proposes(Remove(1), wire_format=WireFormat.PUBLIC_MESSAGE).message
    own = alice.prepare(carol.key_package(), authenticated_data=rooms.commit_data().encode())
    alice.enter(own.epoch)
    assert own.welcome is not None
    return _Room(alice, bob, carol, said, proposed, own.message, own.welcome)


def _rooms() -> Iterator[tuple[str, bytes]]:
    here = _room()
    info = make_group_info(here.alice.group, here.alice.signer, with_external_pub=True)
    package = Device(rooms.DAVE, device(40)).key_package().key_package
    yield "mls: application message", here.said
    yield "mls: proposal", here.proposed
    yield "mls: Commit", here.committed
    yield "mls: Welcome", here.welcome
    yield "mls: GroupInfo", MLSMessage.of(info).encode()
    yield "mls: KeyPackage", MLSMessage.of(package).encode()
    yield "mls: bare GroupInfo", info.encode()
    yield "mls: bare KeyPackage", package.encode()
    yield "mls: ratchet tree", encode_as(RatchetTreeNodes, here.alice.group.tree.nodes())
    yield "room: NodeChanges", rooms.node_changes().encode()
    yield "room: settings", rooms.settings().encode()
    yield "room: Content", Content(rooms.MESSAGE_ID, 1, Text("hello")).encode()
    yield "room: WelcomeData", WelcomeData(1, bytes(32), LogPosition.start(_ROOM_ID)).encode()
    yield "room: CommitData", rooms.commit_data().encode()
    yield "room: MessageData", MessageData(LogPosition.start(_ROOM_ID)).encode()
    for kind in SealedKind:
        yield f"sealed: {kind.name}", rooms.sealed(kind, b"plaintext")


def _hear_entry(data: bytes) -> None:
    """As a member reads an entry: whole, and what the application says in it."""
    bob = _room().bob
    received = unprotect(bob.group, bob.keys, data)
    match received.body:
        case ApplicationData(data=said):
            Content.decode(said)
            MessageData.decode(received.authenticated_data)
        case Commit():
            stage(bob.group, received)
            CommitData.decode(received.authenticated_data)
        case _:
            raise RejectedError("ENTRY-KIND", "an entry holds something else than it says")


def _hear_position(data: bytes) -> None:
    """As a member reads it: any 40 bytes are a place and a hash, and another one than its own is told (LogsDiffer)."""
    if MessageData.decode(data).newest != LogPosition.start(_ROOM_ID):
        raise RejectedError("LOGS-DIFFER", "the server shows different logs")


def _hear_proposal(data: bytes) -> None:
    bob = _room().bob
    received = unprotect(bob.group, bob.keys, data)
    if not isinstance(received.body, InlineProposal):
        raise RejectedError("ENTRY-KIND", "this is no proposal")
    cache_proposal(bob.group, received)


def _hear_content(data: bytes) -> None:
    """As a member reads what stands in an entry with this message id."""
    if Content.decode(data).message_id != rooms.MESSAGE_ID:
        raise RejectedError("ENTRY-MESSAGE-ID", "a message stands under another id than its own")


def _hear_welcome(data: bytes) -> None:
    carol = _room().carol
    join(data, carol.bundles.get, tree=_room().alice.group.tree)


def _hear_key_package(data: bytes) -> None:
    package = KeyPackage.decode(data)
    group = _room().alice.group
    check_key_package(package, GroupRules.of(group.suite, group.group_id, group.context.extensions))
    owner_of(package.leaf_node)


def _hear_group_info(data: bytes) -> None:
    check_group_info(GroupInfo.decode(data), _room().alice.group.tree)


def _unsealing(kind: SealedKind) -> Callable[[bytes], object]:
    return lambda data: rooms.ACCESS_KEY.open(kind, _ROOM_ID, data)


JUDGES: dict[str, Judge] = {
    "a server, first bytes": Judge(
        ("channel: opening",), lambda data: _hear_on(make_server(), data, HandshakeFinished)
    ),
    **{
        f"a server, message 1, {suite.label}": Judge(
            (f"channel: message 1, {suite.label}",),
            functools.partial(
                lambda suite, data: _hear_on(make_server(), encode_preface(suite) + _framed(data), HandshakeFinished),
                suite,
            ),
        )
        for suite in _SUITES
    },
    **{
        f"a client, message 2, {suite.label}": Judge(
            (f"channel: message 2, {suite.label}",), functools.partial(_hear_second, suite)
        )
        for suite in _SUITES
    },
    "a server, a record": Judge(("channel: record",), _hear_record),
    "a server, a call": Judge(("wire: call",), decode_call),
    "a client, an answer or event": Judge(("wire: answer", "wire: event"), decode_from_server),
    "a server, RegistrationRequest": Judge(
        ("opaque: RegistrationRequest",),
        lambda data: logins.exchange().server.respond_registration(data, b"credential"),
    ),
    "a client, RegistrationResponse": Judge(("opaque: RegistrationResponse",), _hear_response),
    "a server, RegistrationRecord": Judge(("opaque: RegistrationRecord",), check_record),
    "a server, KE1": Judge(("opaque: KE1",), _hear_ke1),
    "a client, KE2": Judge(("opaque: KE2",), _hear_ke2),
    "a server, KE3": Judge(("opaque: KE3",), lambda data: finish_server_login(logins.exchange().expecting, data)),
    "a client, certificate": Judge(
        ("identity: certificate",),
        lambda data: verify_certificate(
            data, suite=1, static_key=real.STATIC_KEY, pin=real.SERVER.server_id, now=1_900_000_000
        ),
    ),
    "anybody, device list": Judge(
        ("identity: device list",), lambda data: verify_device_list(data, rooms.ALICE.credential)
    ),
    "a member, leaf certificate": Judge(
        ("identity: leaf certificate",),
        lambda data: verify_leaf(rooms.ALICE.credential.encode(), device(10).mls.public, data),
    ),
    "a member, credential": Judge(
        ("identity: credential",), lambda data: verify_leaf(data, device(10).mls.public, real.leaf_certificate())
    ),
    "a client, vault": Judge(("identity: vault",), _hear_vault),
    "a person, invite link": Judge(("identity: invite",), _hear_invite),
    "a server, entry": Judge(("mls: application message",), lambda data: check_application(data, _ROOM_ID)),
    "a server, Commit entry": Judge(
        ("mls: Commit",), lambda data: read_commit(commit_clear_text(data, _ROOM_ID), rooms.MESSAGE_ID)
    ),
    "a member, entry": Judge(("mls: application message", "mls: Commit"), _hear_entry),
    "a member of a group, proposal": Judge(("mls: proposal",), _hear_proposal),
    "anybody, MLSMessage": Judge(
        tuple(f"mls: {kind}" for kind in ("appl", "proposal", "Commit", "Welcome", "GroupInfo", "KeyPackage")),
        MLSMessage.decode,
    ),
    "a newcomer, Welcome": Judge(("mls: Welcome",), _hear_welcome),
    "a member, KeyPackage": Judge(("mls: bare KeyPackage",), _hear_key_package),
    "a newcomer, GroupInfo": Judge(("mls: bare GroupInfo",), _hear_group_info),
    "a newcomer, tree": Judge(("mls: ratchet tree",), lambda data: decode_as(RatchetTreeNodes, data)),
    "a newcomer, NodeChanges": Judge(("room: NodeChanges",), NodeChanges.decode),
    "a newcomer, WelcomeData": Judge(("room: WelcomeData",), WelcomeData.decode),
    "a member, settings": Judge(("room: settings",), read_settings),
    "a member, Content": Judge(("room: Content",), _hear_content),
    "anybody, CommitData": Judge(("room: CommitData",), CommitData.decode),
    "a member, MessageData": Judge(("room: MessageData",), _hear_position),
    **{f"a newcomer, sealed {kind.name}": Judge((f"sealed: {kind.name}",), _unsealing(kind)) for kind in SealedKind},
}


@functools.cache
def messages() -> dict[str, bytes]:
    """All of them, by name."""
    found = dict(pair for suite in _SUITES for pair in _handshake(suite))
    found["channel: record"] = _record()
    return found | dict(_wire()) | dict(_opaque()) | dict(_identity()) | dict(_rooms())

"""Real values that inputs begin with: a server's certificate, a vault, a link, a login, and a room's messages.

Made from fixed seeds. Targets must leave them as they are.
"""

import functools
from typing import Any

from entrenous.client.rooms.commits import WelcomeData
from entrenous.client.rooms.sealed import Sealed, SealedKind
from entrenous.client.rooms.snapshot import NodeChanges
from entrenous.content import (
    Content,
    Role,
    RoomSettings,
    Text,
    with_member,
)
from entrenous.crypto import Secret
from entrenous.identity import (
    AccountCredential,
    InviteLink,
    Inviter,
    LeafCertificate,
    ServerCertificate,
    ServerIdentityKey,
    SignedDeviceList,
    StoredVault,
    VaultBody,
    VaultKey,
    WrapSlot,
    first_device_list,
    format_link,
    issue_certificate,
    issue_leaf_certificate,
    seal_vault,
    sign_device_list,
    wrap_key,
)
from entrenous.identity.link import LINK_VERSION, InvitePayload
from entrenous.identity.vault import Contact, VaultRoom, Verification
from entrenous.mls.tree import TreeChanges
from entrenous.mls.types import (
    ApplicationData,
    AuthenticatedContent,
    Commit,
    FramedContent,
    GroupContext,
    GroupInfo,
    GroupSecrets,
    KeyPackage,
    LeafNode,
    MLSMessage,
    RatchetTreeNodes,
    SenderData,
    Welcome,
)
from entrenous.opaque import KE1, KE2, KE3, RegistrationRecord, RegistrationRequest, RegistrationResponse
from entrenous.testing import SeededEntropy
from entrenous.wire import CommitData, LogPosition, MessageData
from fuzz import logins
from fuzz.rooms import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    MESSAGE_ID,
    ROOM_ID,
    commit_data,
    commits,
    group_info,
    node_changes,
    room,
    sealed,
    settings,
    signed_by_alice,
)
from identity_people import account, device

SERVER = ServerIdentityKey(account(9).signing_key)
STATIC_KEY = bytes(32)
EXPORT_KEY = Secret(bytes(range(64)))
VAULT_KEY = VaultKey(bytes(range(32)))


def invite_link() -> InviteLink:
    """A link with everything in it."""
    return InviteLink(
        "chat.example.org", 7444, SERVER.server_id, bytes(16), Inviter.of(ALICE.credential), b"a room part"
    )


def vault_body() -> VaultBody:
    """With a contact, a block and a room."""
    contact = Contact(BOB.account_id, BOB.credential.identity_key, "bob", Verification.VERIFIED)
    return VaultBody(7, bytes(32), (contact,), (CAROL.account_id,), (VaultRoom(ROOM_ID, bytes(32), 1, 3, 9),))


def vault() -> bytes:
    """The sealed one, with both of its keys."""
    entropy = SeededEntropy("vault")
    keys = [wrap_key(VAULT_KEY, slot, EXPORT_KEY, account_id=ALICE.account_id, entropy=entropy) for slot in WrapSlot]
    return seal_vault(vault_body(), VAULT_KEY, tuple(keys), account_id=ALICE.account_id, entropy=entropy)


def device_list() -> bytes:
    """Alice's first."""
    return sign_device_list(ALICE, first_device_list(ALICE.account_id, device(10).entry))


def leaf_certificate() -> bytes:
    """Of Alice's device."""
    return issue_leaf_certificate(ALICE, first_device_list(ALICE.account_id, device(10).entry), device(10).entry)


def certificate() -> bytes:
    """The server's."""
    return issue_certificate(SERVER, suite=1, static_key=STATIC_KEY, not_after=2_000_000_000)


@functools.cache
def values() -> dict[str, list[Any]]:
    """A value or more of each type that targets decode, by the type's name."""
    here = room()
    group, welcome = here.alice.group, MLSMessage.decode(here.own.welcome or b"").body
    link = invite_link()
    login = logins.exchange()
    framed = FramedContent.decode(signed_by_alice(ApplicationData(b"hi"), b"").content.encode())
    found: dict[Any, list[Any]] = {
        KeyPackage: [here.dave_added.key_package],
        GroupInfo: [group_info(), group_info(with_ratchet_tree=True)],
        Welcome: [welcome],
        RatchetTreeNodes: [group.tree.nodes(), here.own.epoch.group.tree.nodes()],
        GroupSecrets: [GroupSecrets(bytes(32), None, ())],
        AuthenticatedContent: [signed_by_alice(ApplicationData(b"hi"), b"")],
        FramedContent: [framed],
        GroupContext: [group.context],
        Commit: list(commits()),
        LeafNode: [group.own_leaf_node],
        SenderData: [SenderData(0, 1, bytes(4))],
        TreeChanges: [node_changes().changes],
        NodeChanges: [node_changes()],
        ServerCertificate: [ServerCertificate.decode(certificate())],
        SignedDeviceList: [SignedDeviceList.decode(device_list())],
        LeafCertificate: [LeafCertificate.decode(leaf_certificate())],
        AccountCredential: [ALICE.credential],
        StoredVault: [StoredVault.decode(vault())],
        VaultBody: [vault_body()],
        InvitePayload: [InvitePayload(LINK_VERSION, link.server_id, link.token, link.inviter, link.room)],
        Content: [Content(MESSAGE_ID, 1, Text("hello"))],
        RoomSettings: [settings()],
        WelcomeData: [WelcomeData(1, bytes(32), LogPosition.start(ROOM_ID))],
        Sealed: [Sealed.decode(sealed(SealedKind.GROUP_INFO, b"info"))],
        CommitData: [commit_data(with_member(settings(), DAVE.account_id, Role.MEMBER))],
        MessageData: [MessageData(LogPosition.start(ROOM_ID))],
        RegistrationRequest: [RegistrationRequest.decode(login.request)],
        RegistrationResponse: [RegistrationResponse.decode(login.response)],
        RegistrationRecord: [RegistrationRecord.decode(login.record)],
        KE1: [KE1.decode(login.ke1)],
        KE2: [KE2.decode(login.ke2)],
        KE3: [KE3.decode(login.ke3)],
    }
    return {str(kind): each for kind, each in found.items()}


def link_text() -> str:
    """The link as people see it."""
    return format_link(invite_link())

"""Messages, Welcomes and GroupInfos at the door of a group: from anybody, and from insiders who sealed them."""

import dataclasses
from collections.abc import Callable

from entrenous.errors import MalformedError, RejectedError
from entrenous.mls.framing import unprotect
from entrenous.mls.framing.private_message import _guarded, _sender_data_aad, _sender_data_key
from entrenous.mls.group import cache_proposal, check_group_info, external_commit, join, stage
from entrenous.mls.group.welcome import LABEL as WELCOME_LABEL
from entrenous.mls.schedule import (
    JoinerSecret,
    PskSecret,
    RatchetKind,
    derive_member_secret,
    derive_welcome_key,
    receiving_key,
)
from entrenous.mls.types import (
    ApplicationData,
    Commit,
    ContentType,
    EncryptedGroupSecrets,
    GroupInfo,
    GroupSecrets,
    HPKECiphertext,
    InlineProposal,
    MLSMessage,
    PrivateContentAAD,
    PrivateMessage,
    SenderData,
    Welcome,
)
from fuzz import rooms
from fuzz.commits import keys_of
from fuzz.target import REFUSED, Target, chosen, whole
from mls_members import SUITE

_KINDS = tuple(ContentType)
_SENDER_DATA = 12


def group_message(data: bytes) -> None:
    """Bob gets any message, as from the log; what opens, he goes on with."""
    _check_received(data)


def private_message_of_insider(data: bytes) -> None:
    """An insider seals any content, under any sender data: kind, SenderData, then the plaintext."""
    if len(data) <= _SENDER_DATA:
        return
    kind = _KINDS[data[0] % len(_KINDS)]
    group = rooms.room().alice.group
    sender = SenderData.decode(data[1 : 1 + _SENDER_DATA])
    key, nonce = _message_key(sender, kind)
    aad = PrivateContentAAD(group.group_id, group.epoch, kind, b"").encode()
    ciphertext = SUITE.aead_key(key).seal(_guarded(nonce, sender.reuse_guard), data[1 + _SENDER_DATA :], aad)
    sender_key, sender_nonce = _sender_data_key(group.suite, group.secrets.sender_data_secret, ciphertext)
    sender_aad = _sender_data_aad(group.group_id, group.epoch, kind)
    sealed = SUITE.aead_key(sender_key).seal(sender_nonce, sender.encode(), sender_aad)
    message = PrivateMessage(group.group_id, group.epoch, kind, b"", sealed, ciphertext)
    _check_received(MLSMessage.of(message).encode())


def _message_key(sender: SenderData, kind: ContentType) -> tuple[bytes, bytes]:
    """The key that Bob will take for it; zeros where there is none, since he must refuse before he needs it."""
    bob = rooms.room().bob
    if sender.leaf_index < bob.group.width:
        try:
            keys = receiving_key(
                SUITE, bob.keys, bob.group.width, sender.leaf_index, RatchetKind.of(kind), sender.generation
            )
        except RejectedError:
            pass
        else:
            return keys[0].key, keys[0].nonce
    return bytes(SUITE.aead.key_size), bytes(SUITE.aead.nonce_size)


def _check_received(message: bytes) -> None:
    here = rooms.room()
    bob = here.bob
    before = bob.group.encode(), keys_of(bob)
    update_keys = {here.update.proposal.leaf_node.encryption_key: here.update.private_key}
    try:
        received = unprotect(bob.group, bob.keys, message)
        match received.body:
            case Commit():
                stage(bob.group, received, cached=here.cached, update_keys=update_keys)
            case InlineProposal():
                assert cache_proposal(bob.group, received).epoch == bob.group.epoch
            case ApplicationData(data=said):
                assert len(said) < len(message)
    except REFUSED:
        pass
    assert (bob.group.encode(), keys_of(bob)) == before, "what is not merged changed something"


def welcome(data: bytes) -> None:
    """Dave gets any Welcome: as it came, with GroupSecrets or with a GroupInfo that a member made."""
    make = _WELCOMES[data[0] % len(_WELCOMES)] if data else _any_welcome
    here = rooms.room()
    try:
        join(make(data[1:]), here.dave.bundles.get, tree=here.own.epoch.group.tree)
    except REFUSED:
        return


def _any_welcome(data: bytes) -> bytes:
    return data


def _welcome_of(secrets: bytes, sealed_info: bytes) -> bytes:
    package = rooms.room().dave_added.key_package
    box = SUITE.encrypt_with_label(package.init_key, WELCOME_LABEL, sealed_info, secrets, bytes)
    entry = EncryptedGroupSecrets(SUITE.key_package_ref(package.encode()), HPKECiphertext(*box))
    return MLSMessage.of(Welcome(SUITE.id, (entry,), sealed_info)).encode()


def _welcome_with_secrets(data: bytes) -> bytes:
    return _welcome_of(data, b"a GroupInfo, sealed under what the secrets lead to")


def _welcome_with_info(data: bytes) -> bytes:
    """The GroupInfo is signed by Alice if it can be read at all."""
    joiner = JoinerSecret(bytes(SUITE.secret_size))
    key = derive_welcome_key(SUITE, derive_member_secret(SUITE, joiner, PskSecret(SUITE.zero_secret)))
    sealed = SUITE.aead_key(key.key).seal(key.nonce, _signed_by_alice(data), b"")
    return _welcome_of(GroupSecrets(joiner.reveal(), None, ()).encode(), sealed)


_WELCOMES: tuple[Callable[[bytes], bytes], ...] = (_any_welcome, _welcome_with_secrets, _welcome_with_info)
_WELCOME_KINDS = (MLSMessage, GroupSecrets, GroupInfo)


def _signed_by_alice(data: bytes) -> bytes:
    try:
        return _info_signed_by_alice(data).encode()
    except MalformedError:
        return data


def _info_signed_by_alice(data: bytes) -> GroupInfo:
    info = GroupInfo.decode(data)
    signature = SUITE.sign_with_label(rooms.room().alice.signer, "GroupInfoTBS", info.to_be_signed())
    return dataclasses.replace(info, signature=signature)


def group_info(data: bytes) -> None:
    """Dave joins from outside by any GroupInfo that Alice signed, with its own tree or the right one."""
    here = rooms.room()
    try:
        info = _info_signed_by_alice(data)
        for tree in (None, here.alice.group.tree):
            check_group_info(info, tree)
            external_commit(info, tree, here.dave.signer, here.dave.profile, here.dave.entropy)
    except REFUSED:
        return


def _private_seeds() -> list[bytes]:
    generation = 1 + rooms.room().alice.group.epoch
    return [
        bytes([_KINDS.index(kind)]) + SenderData(0, at, bytes(4)).encode() + plaintext
        for kind, plaintext in rooms.private_contents()
        for at in (0, generation)
    ]


def _welcome_seeds() -> list[bytes]:
    own = rooms.room().own
    secrets = GroupSecrets(bytes(SUITE.secret_size), None, ()).encode()
    infos = (rooms.group_info(), rooms.group_info(with_ratchet_tree=True))
    return [b"\0" + (own.welcome or b""), b"\1" + secrets, *(b"\2" + info.encode() for info in infos)]


TARGETS = (
    Target("mls-group-message", group_message, rooms.mls_messages, lambda data: whole(MLSMessage)),
    Target("mls-private-message-of-insider", private_message_of_insider, _private_seeds),
    Target("mls-welcome", welcome, _welcome_seeds, chosen(_WELCOME_KINDS)),
    Target(
        "mls-group-info",
        group_info,
        lambda: [rooms.group_info().encode(), rooms.group_info(with_ratchet_tree=True).encode()],
        lambda data: whole(GroupInfo),
    ),
)

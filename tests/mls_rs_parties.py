"""Members of MLS groups who run mls-rs (Rust), through two independent bindings of it, suite 0x0001.

``mls_rs_uniffi`` offers what its authors call the basics, with proposals and exporters; ``rine_mls`` joins from
outside, and its GroupInfo tells of the epoch's secrets. Where they are not installed, importing this module skips.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mls_parties import EXPORT_CONTEXT, EXPORT_LABEL, EXPORT_SIZE, Party, Sent, facts_of_group_info

uniffi = pytest.importorskip("mls_rs_uniffi")
rine = pytest.importorskip("rine_mls")


class Uniffi(Party):
    """A member on mls-rs with OpenSSL, through mls_rs_uniffi. Its handshake messages are PublicMessages."""

    names_strangers = False

    def __init__(self, name: str, *, tree_in_welcome: bool = True) -> None:
        self.identity = name.encode()
        storage = uniffi.client_config_default().group_state_storage
        config = uniffi.ClientConfig(group_state_storage=storage, use_ratchet_tree_extension=tree_in_welcome)
        keys = uniffi.generate_signature_keypair(uniffi.CipherSuite.CURVE25519_AES128)
        self.client = uniffi.Client(self.identity, keys, config)
        self.group: Any = None
        #: It names members by objects that come with their messages.
        self.heard: dict[bytes, Any] = {}

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package_message().to_bytes())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes, tree: bytes | None = None) -> None:
        given = None if tree is None else uniffi.RatchetTree(bytes=tree)
        self.group = self.client.join_group(given, uniffi.Message.from_bytes(welcome)).group

    def add(self, *key_packages: bytes) -> Sent:
        return self._takes(self.group.add_members([uniffi.Message.from_bytes(message) for message in key_packages]))

    def update(self) -> Sent:
        return self._takes(self.group.commit())

    def remove(self, identity: bytes) -> Sent:
        return self._takes(self.group.remove_members([self.heard[identity]]))

    def proposes_add(self, key_package: bytes) -> bytes:
        (message,) = self.group.propose_add_members([uniffi.Message.from_bytes(key_package)])
        return bytes(message.to_bytes())

    def proposes_remove(self, identity: bytes) -> bytes:
        (message,) = self.group.propose_remove_members([self.heard[identity]])
        return bytes(message.to_bytes())

    def follow(self, message: bytes) -> bool:
        received = self.group.process_incoming_message(uniffi.Message.from_bytes(message))
        return bool(received.is_received_proposal() or received.effect.is_new_epoch())

    def says(self, data: bytes) -> bytes:
        return bytes(self.group.encrypt_application_message(data).to_bytes())

    def reads(self, message: bytes, sender: bytes) -> bytes:
        received = self.group.process_incoming_message(uniffi.Message.from_bytes(message))
        self.heard[sender] = received.sender
        return bytes(received.data)

    def facts(self) -> Mapping[str, object]:
        return {"exporter": self.group.export_secret(EXPORT_LABEL.encode(), EXPORT_CONTEXT, EXPORT_SIZE)}

    def _takes(self, output: Any) -> Sent:
        self.group.process_incoming_message(output.commit_message)
        welcome = output.welcome_message
        return Sent(bytes(output.commit_message.to_bytes()), () if welcome is None else (bytes(welcome.to_bytes()),))


class Rine(Party):
    """A member on mls-rs with its own Rust primitives, through rine_mls; it commits nothing but Adds and Removes."""

    commits_at_will = False

    def __init__(self, folder: Path) -> None:
        self.client = rine.MlsClient(str(folder), os.urandom(32), rine.CIPHER_SUITE_CLASSICAL)
        self.identity = self.client.public_key()
        self.group: Any = None

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self.group = self.client.join_from_welcome(welcome)

    def joins_from_outside(self, group_info: bytes) -> Sent:
        self.group = self.client.join_by_external_commit(group_info)
        return Sent(self.group.last_commit().commit)

    def comes_back(self, group_info: bytes) -> Sent:
        """Replace the leaf of a state that was lost."""
        stale = self.group.current_member_index()
        self.group = self.client.resync_by_external_commit(group_info, stale)
        return Sent(self.group.last_commit().commit)

    def add(self, *key_packages: bytes) -> Sent:
        made = self.group.add_members(list(key_packages))
        return Sent(made.commit, made.welcomes)

    def update(self) -> Sent:
        raise NotImplementedError("rine_mls has no such call")

    def remove(self, identity: bytes) -> Sent:
        return Sent(self.group.remove_member(self.group.member_index(identity)).commit)

    def follow(self, message: bytes) -> bool:
        self.group.apply_commit(message)
        return bool(self.group.is_active())

    def says(self, data: bytes) -> bytes:
        tagged = self.group.encrypt_application_message(data)
        assert tagged[0] == rine.APP_MESSAGE_TAG
        return bytes(tagged[1:])

    def reads(self, message: bytes, sender: bytes) -> bytes:
        read = self.group.decrypt_application_message(bytes([rine.APP_MESSAGE_TAG]) + message)
        assert read.sender_index == self.group.member_index(sender)
        return bytes(read.envelope)

    def facts(self) -> Mapping[str, object]:
        return {"epoch": self.group.epoch(), **facts_of_group_info(self.group_info())}

    def group_info(self) -> bytes:
        return bytes(self.group.group_info())

"""One member of an MLS group on each stack that runs inside Python, with nothing around the calls that are measured."""

import abc
import os
from pathlib import Path
from typing import Any

from entrenous.crypto import SigningKey, system_entropy
from entrenous.mls.framing import Received, no_padding, protect_application, unprotect
from entrenous.mls.group import (
    InfoOptions,
    KeyPackageBundle,
    LeafProfile,
    NewEpoch,
    StagedCommit,
    commit,
    create_group,
    create_key_package,
    join,
    make_capabilities,
    stage,
)
from entrenous.mls.schedule import SecretTree
from entrenous.mls.suite import SUITES
from entrenous.mls.types import ApplicationData, BasicCredential, Lifetime, MLSMessage, Proposal, Remove, WireFormat
from mls_parties import MAX_LIFETIME, add_of, clock


class Driver(abc.ABC):
    """A member. Messages are encoded MLSMessages; each call does what an application does with one call or two."""

    @abc.abstractmethod
    def key_package(self) -> bytes: ...

    @abc.abstractmethod
    def create(self, group_id: bytes) -> None: ...

    @abc.abstractmethod
    def join(self, welcome: bytes) -> None: ...

    @abc.abstractmethod
    def commit(self, add: list[bytes], remove: list[int], *, as_public: bool = False) -> tuple[bytes, list[bytes]]:
        """Commit these Adds or these Removes, or only a path where there are none, and go on in the new epoch.

        ``as_public`` asks a stack that has both for a PublicMessage.
        """

    @abc.abstractmethod
    def follow(self, message: bytes) -> None:
        """Take a Commit of another."""

    @abc.abstractmethod
    def read(self, message: bytes) -> bytes: ...

    @abc.abstractmethod
    def protect(self, data: bytes) -> bytes: ...


class Ours(Driver):
    """A member on our own stack, with the keys of its messages in memory."""

    def __init__(self, name: str, suite: int) -> None:
        self.suite = SUITES[suite]
        self.signer = SigningKey.generate(system_entropy)
        capabilities = make_capabilities([self.suite], system_entropy)
        self.profile = LeafProfile(BasicCredential(name.encode()), capabilities)
        self.bundles: dict[bytes, KeyPackageBundle] = {}

    def key_package(self) -> bytes:
        lifetime = Lifetime(clock() - 3600, clock() + 86_400)
        bundle = create_key_package(self.suite, self.signer, self.profile, lifetime, system_entropy)
        self.bundles[bundle.reference] = bundle
        return MLSMessage.of(bundle.key_package).encode()

    def create(self, group_id: bytes) -> None:
        self._enter(create_group(self.suite, group_id, self.signer, self.profile, system_entropy))

    def join(self, welcome: bytes) -> None:
        self._enter(join(welcome, self.bundles.get).epoch)

    def commit(self, add: list[bytes], remove: list[int], *, as_public: bool = False) -> tuple[bytes, list[bytes]]:
        proposals: list[Proposal] = [*(add_of(message) for message in add), *(Remove(leaf) for leaf in remove)]
        own = commit(
            self.group,
            self.keys,
            self.signer,
            system_entropy,
            proposals=proposals,
            now=clock(),
            max_lifetime=MAX_LIFETIME,
            force_path=not add,  # the other stacks leave the path out where only members are added
            info=InfoOptions(ratchet_tree_in_welcome=True),
            wire_format=WireFormat.PUBLIC_MESSAGE if as_public else WireFormat.PRIVATE_MESSAGE,
        )
        self._enter(own.epoch)
        return own.message, [] if own.welcome is None else [own.welcome]

    def follow(self, message: bytes) -> None:
        staged = stage(self.group, self._open(message))
        assert isinstance(staged, StagedCommit)
        self._enter(staged.epoch)

    def read(self, message: bytes) -> bytes:
        body = self._open(message).body
        assert isinstance(body, ApplicationData)
        return body.data

    def protect(self, data: bytes) -> bytes:
        sent = protect_application(self.group, self.keys, self.signer, data, padding=no_padding, entropy=system_entropy)
        self.keys.apply(sent.changes)
        return sent.message

    def _open(self, message: bytes) -> Received:
        received = unprotect(self.group, self.keys, message)
        self.keys.apply(received.changes)
        return received

    def _enter(self, epoch: NewEpoch) -> None:
        self.group, self.keys = epoch.group, SecretTree(epoch.nodes)


class Agentvault(Driver):
    """A member on mls-rs with OpenSSL: the agentvault wheel."""

    def __init__(self, name: str) -> None:
        import mls_rs_uniffi as library

        self.library = library
        storage = library.client_config_default().group_state_storage
        config = library.ClientConfig(group_state_storage=storage, use_ratchet_tree_extension=True)
        keys = library.generate_signature_keypair(library.CipherSuite.CURVE25519_AES128)
        self.client = library.Client(name.encode(), keys, config)
        self.group: Any = None

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package_message().to_bytes())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self.group = self.client.join_group(None, self.library.Message.from_bytes(welcome)).group

    def commit(self, add: list[bytes], remove: list[int], *, as_public: bool = False) -> tuple[bytes, list[bytes]]:
        assert not remove
        if add:
            made = self.group.add_members([self.library.Message.from_bytes(message) for message in add])
        else:
            made = self.group.commit()
        self.group.process_incoming_message(made.commit_message)
        welcome = made.welcome_message
        return bytes(made.commit_message.to_bytes()), [] if welcome is None else [bytes(welcome.to_bytes())]

    def follow(self, message: bytes) -> None:
        self.group.process_incoming_message(self.library.Message.from_bytes(message))

    def read(self, message: bytes) -> bytes:
        return bytes(self.group.process_incoming_message(self.library.Message.from_bytes(message)).data)

    def protect(self, data: bytes) -> bytes:
        return bytes(self.group.encrypt_application_message(data).to_bytes())


class Rine(Driver):
    """A member on mls-rs with its own Rust primitives: the rine wheel. It stores each change on disk as it goes."""

    def __init__(self, folder: Path, suite: int) -> None:
        import rine_mls as library

        self.tag = bytes([library.APP_MESSAGE_TAG])
        self.client = library.MlsClient(str(folder), os.urandom(32), suite)
        self.group: Any = None

    def key_package(self) -> bytes:
        return bytes(self.client.generate_key_package())

    def create(self, group_id: bytes) -> None:
        self.group = self.client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self.group = self.client.join_from_welcome(welcome)

    def commit(self, add: list[bytes], remove: list[int], *, as_public: bool = False) -> tuple[bytes, list[bytes]]:
        if add:
            made = self.group.add_members(add)
            return bytes(made.commit), list(made.welcomes)
        (leaf,) = remove
        return bytes(self.group.remove_member(leaf).commit), []

    def follow(self, message: bytes) -> None:
        self.group.apply_commit(message)

    def read(self, message: bytes) -> bytes:
        return bytes(self.group.decrypt_application_message(self.tag + message).envelope)

    def protect(self, data: bytes) -> bytes:
        return bytes(self.group.encrypt_application_message(data)[1:])

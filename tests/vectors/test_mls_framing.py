"""Official vectors for message protection, all seven suites: open the given messages, protect again, open that."""

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

import pytest

from conftest import Vectors
from entrenous.crypto import Signer, load_signer
from entrenous.errors import RejectedError
from entrenous.mls.framing import (
    confirm,
    no_padding,
    protect_application,
    protect_private,
    protect_public,
    sign_as_member,
    unprotect,
)
from entrenous.mls.schedule import (
    EncryptionSecret,
    EpochSecrets,
    MembershipKey,
    SecretTree,
    SenderDataSecret,
    derive_epoch_secrets,
    first_epoch_secret,
    initial_nodes,
)
from entrenous.mls.suite import CipherSuite, cipher_suite
from entrenous.mls.types import (
    ApplicationData,
    Commit,
    Content,
    GroupContext,
    InlineProposal,
    ProtocolVersion,
    WireFormat,
)

RECEIVER, SENDER = 0, 1


@dataclass(frozen=True)
class View:
    suite: CipherSuite
    group_id: bytes
    epoch: int
    encoded_context: bytes
    secrets: EpochSecrets
    sender_key: bytes
    own_leaf: int
    width: int = 2
    is_closed: bool = False

    def signature_key(self, leaf: int) -> bytes | None:
        return self.sender_key if leaf == SENDER else None

    def external_sender_key(self, index: int) -> bytes | None:
        return None


def view_of(case: dict[str, Any]) -> View:
    suite = cipher_suite(case["cipher_suite"])
    group_id, epoch = bytes.fromhex(case["group_id"]), case["epoch"]
    tree_hash, transcript = (bytes.fromhex(case[name]) for name in ("tree_hash", "confirmed_transcript_hash"))
    secrets = dataclasses.replace(
        derive_epoch_secrets(suite, first_epoch_secret(suite, os.urandom)).secrets,
        sender_data_secret=SenderDataSecret(bytes.fromhex(case["sender_data_secret"])),
        membership_key=MembershipKey(bytes.fromhex(case["membership_key"])),
    )
    context = GroupContext(ProtocolVersion.MLS10, suite.id, group_id, epoch, tree_hash, transcript, ())
    return View(
        suite, group_id, epoch, context.encode(), secrets, bytes.fromhex(case["signature_pub"]), own_leaf=RECEIVER
    )


def keys_of(case: dict[str, Any]) -> SecretTree:
    return SecretTree(initial_nodes(EncryptionSecret(bytes.fromhex(case["encryption_secret"])), 2))


def signer_of(suite: CipherSuite, private: bytes) -> Signer:
    # The vectors write P-521's scalar without its leading zero byte.
    return load_signer(suite.signature, private.rjust(66, b"\x00") if suite.id == 5 else private)


def opened(case: dict[str, Any], message: bytes) -> Content:
    received = unprotect(view_of(case), keys_of(case), message)
    assert received.sender_leaf == SENDER
    return received.body


def protected(case: dict[str, Any], signer: Signer, wire_format: WireFormat, body: Content) -> bytes:
    view = dataclasses.replace(view_of(case), own_leaf=SENDER)
    content = sign_as_member(view, signer, wire_format, body, b"clear to all")
    if isinstance(body, Commit):
        content = confirm(content, bytes(view.suite.hash.size))
    if wire_format is WireFormat.PUBLIC_MESSAGE:
        return protect_public(view, content)
    return protect_private(view, keys_of(case), content, padding=no_padding, entropy=os.urandom).message


def test_message_protection(vectors: Vectors) -> None:
    cases = vectors.load("mls/message-protection.json")
    messages = 0
    for case in cases:
        suite = cipher_suite(case["cipher_suite"])
        signer = signer_of(suite, bytes.fromhex(case["signature_priv"]))
        proposal = InlineProposal.decode(bytes.fromhex(case["proposal"]))
        commit = Commit.decode(bytes.fromhex(case["commit"]))
        data = ApplicationData(bytes.fromhex(case["application"]))
        for name, body in (("proposal", proposal), ("commit", commit), ("application", data)):
            for suffix, wire_format in (("_pub", WireFormat.PUBLIC_MESSAGE), ("_priv", WireFormat.PRIVATE_MESSAGE)):
                if name + suffix not in case:
                    continue
                assert opened(case, bytes.fromhex(case[name + suffix])) == body
                assert opened(case, protected(case, signer, wire_format, body)) == body
                messages += 1
        check_application(case, signer, data)
    assert (len(cases), messages) == (7, 35)


def check_application(case: dict[str, Any], signer: Signer, data: ApplicationData) -> None:
    view = dataclasses.replace(view_of(case), own_leaf=SENDER)
    sent = protect_application(view, keys_of(case), signer, data.data, padding=no_padding, entropy=os.urandom)
    assert opened(case, sent.message) == data
    with pytest.raises(RejectedError, match="MLS-PUBLIC-APPLICATION"):
        protected(case, signer, WireFormat.PUBLIC_MESSAGE, data)

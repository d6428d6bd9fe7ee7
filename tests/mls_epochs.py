"""An epoch without a group: members who share its secrets, for tests of framing and the key schedule."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.crypto import Entropy, SigningKey
from entrenous.mls.framing import no_padding, protect_application, unprotect
from entrenous.mls.framing.receive import Received
from entrenous.mls.schedule import (
    EpochSecrets,
    SecretTree,
    derive_epoch_secrets,
    first_epoch_secret,
    initial_nodes,
)
from entrenous.mls.suite import CipherSuite


def seeded(seed: int = 0) -> Entropy:
    """The same bytes at every run."""
    return random.Random(seed).randbytes


@dataclass(frozen=True)
class View:
    """One member's view of the epoch; None in ``members`` is a blank leaf."""

    suite: CipherSuite
    secrets: EpochSecrets
    members: Sequence[bytes | None]
    own_leaf: int
    group_id: bytes = b"group"
    epoch: int = 7
    encoded_context: bytes = b"context of epoch 7"
    external_senders: Sequence[bytes] = ()
    is_closed: bool = False

    @property
    def width(self) -> int:
        return len(self.members)

    def signature_key(self, leaf: int) -> bytes | None:
        return self.members[leaf] if leaf < len(self.members) else None

    def external_sender_key(self, index: int) -> bytes | None:
        return self.external_senders[index] if index < len(self.external_senders) else None


@dataclass(frozen=True)
class Member:
    """A member with her own keys."""

    view: View
    keys: SecretTree
    signer: SigningKey

    def says(self, data: bytes, authenticated_data: bytes = b"") -> bytes:
        """Send, as the client does: the changes are written before the message leaves."""
        sent = protect_application(
            self.view, self.keys, self.signer, data, authenticated_data, padding=no_padding, entropy=seeded()
        )
        self.keys.apply(sent.changes)
        return sent.message

    def hears(self, message: bytes) -> Received:
        """Receive, as the client does: the changes are written if the message is genuine."""
        received = unprotect(self.view, self.keys, message)
        self.keys.apply(received.changes)
        return received


def epoch_of(suite: CipherSuite, members: int, width: int | None = None) -> list[Member]:
    """An epoch of ``members`` people in a tree of ``width`` leaves, the rest of them blank."""
    entropy = seeded(members)
    new = derive_epoch_secrets(suite, first_epoch_secret(suite, entropy))
    signers = [SigningKey.generate(entropy) for _ in range(members)]
    width = width or members
    leaves: list[bytes | None] = [signer.public for signer in signers]
    leaves += [None] * (width - members)
    return [
        Member(
            View(suite, new.secrets, leaves, index),
            SecretTree(initial_nodes(new.encryption_secret, width)),
            signer,
        )
        for index, signer in enumerate(signers)
    ]

"""What framing needs to know of an epoch; a Group is one such view, a test's three fields another."""

from typing import Protocol

from entrenous.errors import RejectedError
from entrenous.mls.schedule import EpochSecrets
from entrenous.mls.suite import CipherSuite


class EpochView(Protocol):
    """One epoch of a group as one member sees it. Immutable: it answers the same for as long as it lives."""

    @property
    def suite(self) -> CipherSuite:
        """The group's cipher suite."""
        ...

    @property
    def group_id(self) -> bytes:
        """The group's id."""
        ...

    @property
    def epoch(self) -> int:
        """The epoch's number."""
        ...

    @property
    def encoded_context(self) -> bytes:
        """The encoded GroupContext, made once per epoch: every signature covers it."""
        ...

    @property
    def secrets(self) -> EpochSecrets:
        """What the key schedule gave this epoch."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether a ReInit ended the group with the Commit that began this epoch."""
        ...

    @property
    def width(self) -> int:
        """Leaves of the ratchet tree, blank ones included; a power of two."""
        ...

    @property
    def own_leaf(self) -> int:
        """The leaf index of the member whose view this is."""
        ...

    def signature_key(self, leaf: int) -> bytes | None:
        """The signature key of the member at a leaf index; None for any index where nobody is."""
        ...

    def external_sender_key(self, index: int) -> bytes | None:
        """The signature key at an index of the external_senders extension; None where it has no such index."""
        ...


def check_open(view: EpochView) -> None:
    """Refuse to go on in a group that was reinitialised: only its successor is left.

    Raises:
        RejectedError: rule MLS-GROUP-CLOSED.
    """
    # RFC 9420 §12.4.2: after a ReInit "the client MUST NOT use the group to send messages anymore"
    if view.is_closed:
        raise RejectedError("MLS-GROUP-CLOSED", "a ReInit ended this group")

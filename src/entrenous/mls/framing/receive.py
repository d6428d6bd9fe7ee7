"""From the bytes of a group message to who said what, whichever way it travelled (RFC 9420 §6)."""

from dataclasses import dataclass

from entrenous.errors import RejectedError
from entrenous.mls.framing.private_message import unprotect_private
from entrenous.mls.framing.public_message import unprotect_public
from entrenous.mls.framing.view import EpochView
from entrenous.mls.schedule import ROOM_LIMITS, KeyChanges, KeySource, RatchetLimits
from entrenous.mls.types import (
    AuthenticatedContent,
    Content,
    MemberSender,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
)
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the view's epoch whose sender is proved. Only ``unprotect`` makes one.

    Whether a proposal or a Commit is acceptable, and a Commit's confirmation tag, are the group's to judge.

    Attributes:
        content: what the sender signed, as transcripts and references cover it.
        generation: of the key it was sealed under; None for a PublicMessage.
        changes: for the KeySource, in one transaction with what the message does; empty for a PublicMessage.
    """

    content: AuthenticatedContent
    generation: int | None
    changes: KeyChanges

    @property
    def sender(self) -> Sender:
        """Who sent it."""
        return self.content.content.sender

    @property
    def sender_leaf(self) -> int | None:
        """The leaf index of a sender who is a member, else None."""
        sender = self.content.content.sender
        return sender.leaf_index if isinstance(sender, MemberSender) else None

    @property
    def body(self) -> Content:
        """ApplicationData, an InlineProposal or a Commit."""
        return self.content.content.content

    @property
    def authenticated_data(self) -> bytes:
        """What travelled in clear beside it."""
        return self.content.content.authenticated_data


def unprotect(
    view: EpochView,
    keys: KeySource,
    message: bytes | MLSMessage,
    *,
    limits: RatchetLimits = ROOM_LIMITS,
    trace: Trace = SILENT,
) -> Received:
    """Open a message of the view's group and epoch and prove who sent it. Nothing is changed by a refused message.

    Args:
        view: the epoch.
        keys: read only; write the result's ``changes``.
        message: an encoded or decoded MLSMessage.
        limits: how far from the expected generation it may be.
        trace: told what was derived.

    Raises:
        CryptoError: it is not genuine.
        MalformedError: the bytes are no MLSMessage, or the plaintext is no content with zero padding.
        RejectedError: MLS-MESSAGE-KIND, no PublicMessage or PrivateMessage; MLS-GROUP or MLS-EPOCH, another group's
            or epoch's; MLS-PUBLIC-APPLICATION; MLS-SENDER-UNKNOWN, MLS-SENDER-CONTENT or MLS-SENDER-SELF;
            MLS-GENERATION-CONSUMED, MLS-GENERATION-TOO-FAR or MLS-GENERATION-EXHAUSTED.
    """
    parsed = MLSMessage.decode(message) if isinstance(message, bytes) else message
    match parsed.body:
        case PrivateMessage() as private:
            _check_place(view, private.group_id, private.epoch)
            opened = unprotect_private(view, keys, private, limits=limits, trace=trace)
            return Received(opened.content, opened.generation, opened.changes)
        case PublicMessage() as public:
            _check_place(view, public.content.group_id, public.content.epoch)
            return Received(unprotect_public(view, public), None, KeyChanges({}, {}))
    raise RejectedError("MLS-MESSAGE-KIND", f"a {type(parsed.body).__name__} is no message of a group")


def _check_place(view: EpochView, group_id: bytes, epoch: int) -> None:
    if group_id != view.group_id:
        raise RejectedError("MLS-GROUP", "a message of another group")
    if epoch != view.epoch:
        raise RejectedError("MLS-EPOCH", f"a message of epoch {epoch} in epoch {view.epoch}")

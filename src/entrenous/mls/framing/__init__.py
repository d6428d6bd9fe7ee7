"""Message framing (RFC 9420 §6): signing, tagging and encrypting what members say, and the way back."""

from entrenous.mls.framing.content_auth import EXTERNAL_PROPOSALS, confirm, sender_key, sign, sign_as_member
from entrenous.mls.framing.private_message import (
    Padding,
    Protected,
    no_padding,
    open_content,
    open_sender_data,
    protect_application,
    protect_private,
)
from entrenous.mls.framing.public_message import protect_from_outside, protect_public
from entrenous.mls.framing.receive import Received, unprotect
from entrenous.mls.framing.view import EpochView, check_open

__all__ = [
    "EXTERNAL_PROPOSALS",
    "EpochView",
    "Padding",
    "Protected",
    "Received",
    "check_open",
    "confirm",
    "no_padding",
    "open_content",
    "open_sender_data",
    "protect_application",
    "protect_from_outside",
    "protect_private",
    "protect_public",
    "sender_key",
    "sign",
    "sign_as_member",
    "unprotect",
]

"""Transcript hashes and the confirmation tag (RFC 9420 §8.2, §6.1): all members have seen the same Commits."""

from entrenous.mls.schedule.secrets import ConfirmationKey
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import FramedContent, InterimTranscriptHashInput, WireFormat, confirmed_transcript_hash_input

#: Both transcript hashes before a group's first Commit, "zero-length octet string".
EMPTY_TRANSCRIPT = b""


def confirmed_transcript_hash(
    suite: CipherSuite, interim_before: bytes, wire_format: WireFormat, commit: FramedContent, signature: bytes
) -> bytes:
    """The hash over all Commits up to and with the signature of this one.

    Args:
        suite: the group's.
        interim_before: the interim transcript hash of the epoch that the Commit ends.
        wire_format: how the Commit travelled.
        commit: the framed Commit.
        signature: its signature.
    """
    return suite.hash.digest(interim_before, *confirmed_transcript_hash_input(wire_format, commit, signature))


def interim_transcript_hash(suite: CipherSuite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    """The confirmed transcript hash extended by its Commit's confirmation tag."""
    return suite.hash.digest(confirmed, InterimTranscriptHashInput(confirmation_tag).encode())


def confirmation_tag(suite: CipherSuite, key: ConfirmationKey, confirmed: bytes) -> bytes:
    """The MAC of the new epoch's confirmed transcript hash under the new epoch's confirmation_key."""
    return suite.mac(key.reveal(), confirmed)


def verify_confirmation_tag(suite: CipherSuite, key: ConfirmationKey, confirmed: bytes, tag: bytes) -> None:
    """Check that a Commit's sender came to the same epoch as we did.

    Raises:
        CryptoError: he did not.
    """
    suite.verify_mac(key.reveal(), tag, confirmed)

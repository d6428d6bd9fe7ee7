"""GroupContext: what all members of an epoch agree on (RFC 9420 §8.1)."""

from entrenous.codec import Opaque, UInt64, Vector, struct
from entrenous.mls.types.extensions import Extension
from entrenous.mls.types.kept import Kept
from entrenous.mls.types.registries import CipherSuiteId, ProtocolVersion


@struct
class GroupContext(Kept):
    """The shared state of one epoch; it enters the key schedule (RFC 9420 §8.1)."""

    version: ProtocolVersion
    cipher_suite: CipherSuiteId
    group_id: Opaque
    epoch: UInt64
    tree_hash: Opaque
    confirmed_transcript_hash: Opaque
    extensions: Vector[Extension]

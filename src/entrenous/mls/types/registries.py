"""The numbers of MLS: its IANA registries (RFC 9420 §17) and the closed enumerations of its structs.

Registries that a peer may extend (cipher suites, extensions, capabilities' entries) stand on the wire as plain
``UInt16``; an enumeration that selects a struct is closed, because a struct of an unknown kind has no length.
"""

import enum

from entrenous.codec import Opaque, UInt8Enum, UInt16, UInt16Enum

CipherSuiteId = UInt16
HPKEPublicKey = Opaque
SignaturePublicKey = Opaque
MAC = Opaque
HashReference = Opaque

#: Values that every registry reserves so that peers prove they ignore what they do not know (RFC 9420 §13.5).
GREASE_VALUES = frozenset(0x0A0A + 0x1010 * i for i in range(15))


class ProtocolVersion(UInt16Enum):
    """Versions of MLS (RFC 9420 §6)."""

    MLS10 = 1


class WireFormat(UInt16Enum):
    """What an MLSMessage holds (RFC 9420 §17.2)."""

    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ExtensionType(enum.IntEnum):
    """The extensions that RFC 9420 §17.3 defines; others are carried as opaque bytes."""

    APPLICATION_ID = 1
    RATCHET_TREE = 2
    REQUIRED_CAPABILITIES = 3
    EXTERNAL_PUB = 4
    EXTERNAL_SENDERS = 5


class ProposalType(UInt16Enum):
    """The proposals of RFC 9420 §17.4."""

    ADD = 1
    UPDATE = 2
    REMOVE = 3
    PSK = 4
    REINIT = 5
    EXTERNAL_INIT = 6
    GROUP_CONTEXT_EXTENSIONS = 7


class CredentialType(UInt16Enum):
    """The credentials of RFC 9420 §17.5."""

    BASIC = 1
    X509 = 2


class ContentType(UInt8Enum):
    """What a framed message holds (RFC 9420 §6)."""

    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(UInt8Enum):
    """Who may send (RFC 9420 §6)."""

    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


class LeafNodeSource(UInt8Enum):
    """How a LeafNode came into the tree (RFC 9420 §7.2)."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


class NodeType(UInt8Enum):
    """The two kinds of tree node (RFC 9420 §7.8)."""

    LEAF = 1
    PARENT = 2


class PSKType(UInt8Enum):
    """Where a pre-shared key comes from (RFC 9420 §8.4)."""

    EXTERNAL = 1
    RESUMPTION = 2


class ResumptionPSKUsage(UInt8Enum):
    """What a resumption PSK is for (RFC 9420 §8.4)."""

    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


class ProposalOrRefType(UInt8Enum):
    """Whether a Commit holds a proposal or names one (RFC 9420 §12.4)."""

    PROPOSAL = 1
    REFERENCE = 2

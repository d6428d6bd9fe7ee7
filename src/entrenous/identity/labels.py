"""Every label that a signature, a hash or a derived key of our own protocol begins with (docs/spec: labels).

A label stands in front of what is signed, so bytes signed for one purpose never verify for another. The standards'
own labels (MLS, Noise, OPAQUE, HPKE) stay with their packages; none of them begins like ours.
"""

import enum

from entrenous.codec import Struct, encode_length
from entrenous.crypto import Hash


@enum.unique
class Label(enum.Enum):
    """One purpose each; ``unique`` makes a second purpose under one label an error at import."""

    SERVER_ID = b"entrenous v1 server id"
    SERVER_CERTIFICATE = b"entrenous v1 server certificate"
    SERVER_ROTATION = b"entrenous v1 server rotation"
    OPAQUE_CONTEXT = b"entrenous v1 opaque context"
    FAKE_ACCOUNT = b"entrenous v1 fake account"
    NODE_COUNTS = b"entrenous v1 node counts"
    IDENTITY_FINGERPRINT = b"entrenous v1 identity fingerprint"
    DEVICE_LIST = b"entrenous v1 device list"
    DEVICE_LIST_HASH = b"entrenous v1 device list hash"
    DEVICE_LOGIN = b"entrenous v1 device login"
    LEAF_CERTIFICATE = b"entrenous v1 leaf certificate"
    ROOM_LINK = b"entrenous v1 room link"
    EPHEMERAL = b"entrenous v1 ephemeral"
    LOG = b"entrenous v1 log"
    SAFETY_NUMBER = b"entrenous v1 safety number"
    VAULT_BODY = b"entrenous v1 vault body"
    VAULT_WRAP = b"entrenous v1 vault wrap"
    RECOVERY_CODE = b"entrenous v1 recovery code"
    LINKING_MAILBOX = b"entrenous v1 linking mailbox"
    LINKING_MAC = b"entrenous v1 linking mac"


def labelled(label: Label, data: bytes) -> bytes:
    """``opaque label<V>`` followed by ``data``: how every label of ours is joined to what it covers."""
    return encode_length(len(label.value)) + label.value + data


def signed(label: Label, body: Struct) -> bytes:
    """The bytes a signature over ``body`` covers.

    Raises:
        UsageError: a field of ``body`` does not fit its type.
    """
    return labelled(label, body.encode())


def fingerprint(label: Label, data: bytes) -> bytes:
    """SHA-256 of ``data`` under ``label``, 32 bytes."""
    return Hash.SHA256.digest(labelled(label, data))

"""Who stands in the vectors: the values that docs/spec/README.md names for its examples, and a few more."""

from entrenous.crypto import SigningKey
from entrenous.identity import AccountIdentity, DeviceKeys, ServerIdentityKey

ROOM, OTHER_ROOM = b"\x10" * 16, b"\x11" * 16
HANDSHAKE_HASH = b"\x11" * 32
TOKEN = b"\x70" * 16
NOT_AFTER = 1_800_000_000
MESSAGE_ID = bytes.fromhex("010203040506070800000001")


def key(number: int) -> SigningKey:
    """Its seed is one byte repeated."""
    return SigningKey.from_seed(bytes([number]) * 32)


def device(number: int) -> DeviceKeys:
    """Its id and the seeds of its keys are three bytes that follow each other, repeated."""
    return DeviceKeys(bytes([number]) * 16, key(number + 1), key(number + 2))


SERVER = ServerIdentityKey(key(0x01))
OTHER_SERVER = ServerIdentityKey(key(0x02))
ACCOUNT = AccountIdentity(b"\xa1" * 16, key(0xA2))
OTHER = AccountIdentity(b"\xb1" * 16, key(0xB2))
DEVICE, SECOND, THIRD = device(0xD1), device(0xD4), device(0xD7)

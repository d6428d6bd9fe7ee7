"""How a known device comes back without a password: its login key signs this very channel.

The launch counter is stored before it is used and only grows, so a copied profile shows itself.
"""

from entrenous.codec import Bytes16, Bytes32, Struct, UInt8, UInt64, struct
from entrenous.crypto import verify
from entrenous.identity.account import DeviceKeys
from entrenous.identity.labels import Label, signed


@struct
class DeviceLoginTBS(Struct):
    """What a device signs: on which channel, to which server, as whom, at which launch of its profile."""

    handshake_hash: Bytes32
    server_id: Bytes32
    account_id: Bytes16
    device_id: Bytes16
    launch_counter: UInt64


@struct
class OpaqueContext(Struct):
    """What a password login is bound to: the channel's suite and its handshake hash."""

    suite: UInt8
    handshake_hash: Bytes32


def opaque_context(suite: int, handshake_hash: bytes) -> bytes:
    """OPAQUE's ``context`` for a password login on this channel (RFC 9807 §6.4), the same on both sides.

    Raises:
        UsageError: a value has the wrong size.
    """
    return signed(Label.OPAQUE_CONTEXT, OpaqueContext(suite, handshake_hash))


def credential_identifier(account: bytes, *, recovery: bool) -> bytes:
    """Names one OPAQUE record for ever: the account's password, or its recovery code."""
    return account + (b"recovery" if recovery else b"password")


def sign_device_login(
    device: DeviceKeys, *, handshake_hash: bytes, server_id: bytes, account_id: bytes, launch_counter: int
) -> bytes:
    """The device's proof for this channel, 64 bytes.

    Raises:
        UsageError: a value has the wrong size.
    """
    body = DeviceLoginTBS(handshake_hash, server_id, account_id, device.device_id, launch_counter)
    return device.login.sign(signed(Label.DEVICE_LOGIN, body))


def verify_device_login(login_key: bytes, body: DeviceLoginTBS, signature: bytes) -> None:
    """Judge a device's proof.

    Args:
        login_key: from the account's device list.
        body: filled from what the *server* knows: its own handshake hash and id, never the client's word for them.
        signature: from the client.

    Raises:
        CryptoError: the device did not sign this login on this channel.
    """
    verify(login_key, signed(Label.DEVICE_LOGIN, body), signature)

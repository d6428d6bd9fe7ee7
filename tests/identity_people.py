"""Fixed accounts and devices for the tests of identity."""

from entrenous.crypto import SigningKey
from entrenous.identity import AccountIdentity, DeviceKeys


def account(number: int) -> AccountIdentity:
    return AccountIdentity(bytes([number]) * 16, SigningKey.from_seed(bytes([number]) * 32))


def device(number: int) -> DeviceKeys:
    login, mls = (SigningKey.from_seed(bytes([number, role]) * 16) for role in (1, 2))
    return DeviceKeys(bytes([number]) * 16, login, mls)

import os

import pytest

from entrenous.errors import UsageError
from entrenous.identity import AccountIdentity, DeviceKeys


def test_an_account_comes_back_from_its_seed() -> None:
    account = AccountIdentity.generate(os.urandom)
    again = AccountIdentity.restore(account.account_id, account.signing_key.seed.reveal())
    assert again.credential == account.credential


def test_a_device_comes_back_from_its_seeds() -> None:
    device = DeviceKeys.generate(os.urandom)
    seeds = device.login.seed.reveal(), device.mls.seed.reveal()
    assert DeviceKeys.restore(device.device_id, *seeds).entry == device.entry
    assert seeds[0] != seeds[1]


def test_an_id_has_sixteen_bytes() -> None:
    with pytest.raises(UsageError):
        AccountIdentity.restore(bytes(15), bytes(32))
    with pytest.raises(UsageError):
        DeviceKeys.restore(bytes(17), bytes(32), bytes(32))


def test_no_key_prints() -> None:
    account, device = AccountIdentity.generate(os.urandom), DeviceKeys.generate(os.urandom)
    printed = repr((account, device))
    for key in (account.signing_key, device.login, device.mls):
        assert key.seed.reveal().hex() not in printed
        assert repr(key.seed.reveal())[2:-1] not in printed


def test_two_accounts_never_share_a_fingerprint() -> None:
    one = AccountIdentity.generate(os.urandom).credential
    other = AccountIdentity.generate(os.urandom).credential
    mixed = type(one)(one.account_id, other.identity_key)
    assert len({one.fingerprint(), other.fingerprint(), mixed.fingerprint()}) == 3

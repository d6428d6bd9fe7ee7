"""A returning device's first request: its login key signs the channel it came over (docs/spec: accounts)."""

from entrenous.client.session.connection import Connection
from entrenous.client.store import Store, account
from entrenous.errors import UsageError
from entrenous.identity import DeviceKeys, sign_device_login
from entrenous.wire import replies, requests


async def log_in_device(connection: Connection, store: Store) -> replies.DeviceLoginDone:
    """Prove to the server on ``connection`` that this is the store's device.

    The launch counter is on disk before it is sent: a copy of this profile, or a backup of it, then sends one that was
    used before, and the server says so.

    Raises:
        RefusedError: rule DS-BAD-CREDENTIALS, the server does not know this device; rule DS-CLONED, the profile is a
            copy.
        UnavailableError: no answer came.
    """
    row = account.get(store)
    if row is None:
        raise UsageError("an empty profile has nothing to log in with")
    with store.transaction() as tx:
        launch_counter = account.next_launch_counter(tx)
    signature = sign_device_login(
        DeviceKeys.restore(row.device_id, row.login_seed.reveal(), row.mls_seed.reveal()),
        handshake_hash=connection.handshake_hash,
        server_id=connection.peer.server_id,
        account_id=row.account_id,
        launch_counter=launch_counter,
    )
    connection.expect_large_answers()
    request = requests.DeviceLogin(row.account_id, row.device_id, launch_counter, signature)
    return await connection.call(request, replies.DeviceLoginDone)

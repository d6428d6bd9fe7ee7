"""The server's identity as it is now, and the channel keys that are certified by it anew each day."""

from collections.abc import Iterable

import structlog

from entrenous.channel import SUITES, ServerCredential, issue_credential
from entrenous.crypto import Entropy
from entrenous.identity import ServerIdentityKey
from entrenous.server.clock import Clock
from entrenous.server.configuration.settings import DAY, Settings
from entrenous.server.network.host import Host
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.keys import load_keys

#: Seconds between two sets of channel keys, and for how long each is certified: old connections outlive a renewal.
RENEW_EVERY = DAY
CERTIFIED_FOR = 3 * DAY
#: Seconds between two looks whether it is time: the clock may be set, and it goes on while a machine sleeps.
LOOK_EVERY = 60.0
#: Seconds between two looks for a rotated identity key that has not reached this node yet: clients that have
#: followed it at another node refuse this one until it has the key, too.
AWAITED_LOOK_EVERY = 2.0

_log = structlog.get_logger(__name__)


class Renewal:
    """Gives the host its credentials, and new ones when it is time.

    Args:
        settings: which suites, and where the key file is.
        keys: the server's, as they are now.
        host: whose connections use the credentials.
        clock: the time of day.
        entropy: for channel keys.
    """

    def __init__(self, settings: Settings, keys: ServerKeys, host: Host, clock: Clock, entropy: Entropy) -> None:
        self._settings = settings
        self._keys = keys
        self._host = host
        self._clock = clock
        self._entropy = entropy
        self._is_awaited = False
        self._renew_credentials()

    async def look(self) -> None:
        """Renew the channel keys where that is due."""
        if not 0 <= self._clock.now() - self._renewed_at < RENEW_EVERY:
            self._renew_credentials()

    async def look_for_awaited(self) -> None:
        """Take over an identity key that was not in the key file yet when its rotation was heard of."""
        if self._is_awaited:
            self.renew_identity()

    def renew_identity(self) -> None:
        """Take over the identity key that was rotated in the key file; where it is not there yet, look again later.

        Each node has a file of its own, and an operator copies the rotated one.
        """
        if self._settings.keys_path is None:
            return
        keys = load_keys(self._settings.keys_path)
        if keys.server_id != self._keys.server_id:
            _log.error("server.other_keys", found=keys.server_id.hex())
            return
        was_awaited, self._is_awaited = self._is_awaited, keys.identity.rotations == self._keys.identity.rotations
        if self._is_awaited and was_awaited:
            return
        if self._is_awaited:
            _log.warning("server.awaits_rotated_keys", file=str(self._settings.keys_path))
            return
        self._keys = keys
        self._renew_credentials()
        _log.info("server.identity_renewed", rotations=len(keys.identity.rotations))

    def _renew_credentials(self) -> None:
        self._renewed_at = self._clock.now()
        self._host.credentials = _make_credentials(
            self._keys.identity, self._settings.suites, entropy=self._entropy, now=self._renewed_at
        )


def _make_credentials(
    identity: ServerIdentityKey, suites: Iterable[int], *, entropy: Entropy, now: float
) -> dict[int, ServerCredential]:
    """Fresh static keys for the channel, certified. They are never stored."""
    not_after = int(now) + CERTIFIED_FOR
    credentials = {}
    for number in suites:
        suite = SUITES[number]
        credentials[number] = issue_credential(identity, suite, suite.noise.dh.generate(entropy), not_after)
    return credentials

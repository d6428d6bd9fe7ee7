"""KeyPackages: a pool for each device, every package handed out once, the last resort when the pool is dry (§4)."""

from dataclasses import dataclass, field

from entrenous.codec import Opaque, Struct, UInt16, struct
from entrenous.errors import MalformedError
from entrenous.mls.types import Lifetime
from entrenous.mls.types.leaf_node import Source
from entrenous.server.clock import Clock
from entrenous.server.configuration.limits import Limits
from entrenous.server.configuration.settings import DAY
from entrenous.server.rates import RateLimiter, Rates, check_rate
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.appending import Caller
from entrenous.server.store import Storage, Transaction, accounts, key_packages
from entrenous.server.store.key_packages import Package
from entrenous.server.watching.counters import Count
from entrenous.wire import ErrorCode, replies, requests
from entrenous.wire.types import ClaimedKeyPackage

#: Seconds that a KeyPackage is kept at most, whatever it says of itself: the protocol's live for 30 days.
LONGEST = 90 * DAY


@struct
class _KeyPackageHead(Struct):
    """A KeyPackage (RFC 9420 §10) as far as its lifetime.

    Its lists are opaque here, and those of its extensions come later: of the thousands of elements that a package may
    have, the server reads none, for it reads two hundred packages while everybody waits.
    """

    version: UInt16
    cipher_suite: UInt16
    init_key: Opaque
    encryption_key: Opaque
    signature_key: Opaque
    credential_type: UInt16
    credential: Opaque
    versions: Opaque
    cipher_suites: Opaque
    extensions: Opaque
    proposals: Opaque
    credentials: Opaque
    source: Source


@dataclass(frozen=True, slots=True)
class KeyPackages:
    """The service of the pools."""

    storage: Storage
    clock: Clock
    limits: Limits
    rates: Rates
    _claims: RateLimiter = field(init=False)
    _claims_per_target: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_claims", self.rates.by_id(Count.CLAIMS))
        object.__setattr__(self, "_claims_per_target", self.rates.by_id(Count.CLAIMS_PER_TARGET))

    async def put(self, caller: Caller, request: requests.PutKeyPackages) -> replies.Reply:
        """Add packages to the device's own pool.

        Raises:
            RefusedError: the pool would be too large.
        """
        now = int(self.clock.now())

        def operation(tx: Transaction) -> int:
            key_packages.drop_expired(tx, caller.device, now)
            count = key_packages.count(tx, caller.device) + len(request.packages)
            # Before anything is read or written: what is refused is to cost others no time.
            if count > self.limits.key_packages:
                detail = f"a device's pool holds at most {self.limits.key_packages} KeyPackages"
                raise RefusedError("DS-POOL", ErrorCode.TOO_LARGE, detail)
            key_packages.add(tx, caller.device, (_dated(body, now) for body in request.packages))
            if request.last_resort is not None:
                key_packages.set_last_resort(tx, caller.device, _dated(request.last_resort, now))
            return count

        return replies.KeyPackageCount(await self.storage.write(operation))

    async def claim(self, caller: Caller, request: requests.ClaimKeyPackages) -> replies.Reply:
        """Take one package of each device of an account.

        One account may not empty another's pools: claims are counted for each account, and for each pair of them.

        Raises:
            RefusedError: too many claims, no such account, or no package at all.
        """
        now = self.clock.now()
        check_rate(self._claims, caller.account, now)
        check_rate(self._claims_per_target, caller.account + request.account, now)

        def operation(tx: Transaction) -> tuple[ClaimedKeyPackage, ...]:
            account = accounts.by_id(tx, request.account)
            if account is None or account.disabled:
                raise RefusedError("AUTH-NO-ACCOUNT", ErrorCode.NOT_FOUND, "there is no such account")
            claimed = []
            for device in accounts.device_ids(tx, request.account):
                key_packages.drop_expired(tx, device, int(now))
                package = key_packages.claim(tx, device)
                if package is not None:
                    claimed.append(ClaimedKeyPackage(device, *package))
            if not claimed:
                raise RefusedError("DS-POOL-EMPTY", ErrorCode.NO_KEY_PACKAGE, "none of its devices has a KeyPackage")
            return tuple(claimed)

        return replies.KeyPackages(await self.storage.write(operation))


def _dated(body: bytes, now: int) -> Package:
    """A KeyPackage with its end. The server judges none: one that it cannot read is kept as long as any."""
    try:
        source = _KeyPackageHead.decode_prefix(body)[0].source
    except MalformedError:
        return Package(body, now + LONGEST)
    ends = source.not_after if isinstance(source, Lifetime) else now + LONGEST
    return Package(body, min(ends, now + LONGEST))

"""How often somebody may do something: token buckets, of a bounded number of somebodies."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address
from math import ceil

from entrenous.server.counters import uncounted
from entrenous.server.refusal import RefusedError
from entrenous.server.settings import Rate
from entrenous.wire import ErrorCode

#: Buckets kept; beyond it the one unused for longest is forgotten.
MAX_BUCKETS = 20_000
#: Bits of an IPv6 address that one customer is usually given.
IPV6_NETWORK_BITS = 64


class RateLimiter:
    """Counts one kind of thing. ``now`` is in seconds; a clock that goes back only costs patience.

    Args:
        rate: what is allowed.
        refused: called whenever something is not.
    """

    def __init__(self, rate: Rate, refused: Callable[[], None] = uncounted) -> None:
        self._rate = rate
        self._refused = refused
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> float:
        """Count one; returns 0, or the seconds after which it would be allowed (it then was not counted)."""
        level, since = self._buckets.pop(key, (float(self._rate.count), now))
        per_second = self._rate.count / self._rate.seconds
        level = min(float(self._rate.count), level + max(0.0, now - since) * per_second)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / per_second
        self._buckets[key] = (level - 1.0 if wait == 0.0 else level, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        if wait:
            self._refused()
        return wait


def check_rate(limiter: RateLimiter, key: Hashable, now: float) -> None:
    """Count one.

    Raises:
        RefusedError: it was too much at once; the refusal's number says after how many seconds to try again.
    """
    wait = limiter.take(key, now)
    if wait:
        raise RefusedError("DS-RATE", ErrorCode.LIMIT, "too much at once: try again later", ceil(wait))


def address_key(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> IPV6_NETWORK_BITS << IPV6_NETWORK_BITS))

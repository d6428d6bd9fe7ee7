"""How often somebody may do something: token buckets, of a bounded number of somebodies."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil
from typing import Protocol

from entrenous.server.configuration.limits import Limits, Live, Rate, live
from entrenous.server.refusal import RefusedError
from entrenous.server.watching.counters import Count, Counters, uncounted
from entrenous.wire import ErrorCode

#: Buckets kept; beyond it the one unused for longest is forgotten. To make the server forget how often a name was
#: guessed at, somebody needs as many attempts at other names: those of 200 networks.
MAX_BUCKETS = 100_000
#: Addresses whose keys are remembered: each connection asks for its own several times, and it is text to be read.
MAX_REMEMBERED = 1_024
#: Bits of an IPv6 address that one customer is given at the least, and that one is easily given more of.
IPV6_ADDRESS_BITS, IPV6_NETWORK_BITS = 64, 48
#: Bits of an IPv4 address that name a network.
IPV4_NETWORK_BITS = 24


class RateLimiter:
    """Counts one kind of thing. ``now`` is in seconds; a clock that goes back only costs patience.

    Args:
        rate: what is allowed, or what says so each time.
        refused: called whenever something is not.
    """

    def __init__(self, rate: Live[Rate], refused: Callable[[], None] = uncounted) -> None:
        self._rate = live(rate)
        self._refused = refused
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float, cost: float = 1.0) -> float:
        """Count ``cost``; returns 0, or the seconds after which it would be allowed (it then was not counted)."""
        rate = self._rate()
        level = self._refilled(key, rate, now)
        if level >= cost:
            self._keep(key, level - cost, now)
            return 0.0
        self._keep(key, level, now)
        self._refused()
        return (cost - level) * rate.seconds / rate.count

    def spend(self, key: Hashable, now: float, cost: float) -> None:
        """Count what was allowed elsewhere. Less than nothing may be left, which is waited for as well."""
        self._keep(key, self._refilled(key, self._rate(), now) - cost, now)

    def forget(self, key: Hashable) -> None:
        """Count nothing of ``key`` any more."""
        self._buckets.pop(key, None)

    def _refilled(self, key: Hashable, rate: Rate, now: float) -> float:
        """What is left of a bucket, which is taken out."""
        most = float(rate.count)
        level, since = self._buckets.pop(key, (most, now))
        if now > since:
            level += (now - since) * most / rate.seconds
        return min(level, most)

    def _keep(self, key: Hashable, level: float, now: float) -> None:
        self._buckets[key] = (level, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)


class AddressLimiter:
    """Counts one kind of thing by address, and by network: who has many addresses has a network of them.

    Args:
        rate: what is allowed to one address.
        networks: what is allowed to a network, in addresses' worth.
        refused: called whenever one address had too much.
        network_refused: called whenever one network had.
    """

    def __init__(
        self,
        rate: Live[Rate],
        networks: Live[int],
        refused: Callable[[], None] = uncounted,
        network_refused: Callable[[], None] = uncounted,
    ) -> None:
        self._addresses = RateLimiter(rate, refused)
        each, many = live(rate), live(networks)
        self._networks = RateLimiter(lambda: Rate(each().count * many(), each().seconds), network_refused)

    def take(self, key: Hashable, now: float, cost: float = 1.0) -> float:
        """As ``RateLimiter.take``, of a key that ``address_key`` has made."""
        return self._addresses.take(key, now, cost) or self._networks.take(network_key(str(key)), now, cost)


#: Seconds that are no rest: what rounding leaves of one that is over.
LEAST_REST = 1e-6


class Rests:
    """How long somebody has to wait before the next large thing: nothing is refused, it is only put off.

    Args:
        rate: what may be done without a rest, in the long run.
    """

    def __init__(self, rate: Live[Rate]) -> None:
        self._rate = live(rate)
        #: What is owed, and since when that is so: the rate may change meanwhile.
        self._owed: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until the next one; 0 is at once."""
        owed, since = self._owed.get(key, (0.0, now))
        rate = self._rate()
        rest = owed * rate.seconds / rate.count - (now - since)
        return rest if rest > LEAST_REST else 0.0

    def begin(self, key: Hashable, now: float, cost: float) -> None:
        """One of ``cost`` is begun, after the wait."""
        rate = self._rate()
        rest = self.wait(key, now)
        self._owed.pop(key, None)
        self._owed[key] = (rest * rate.count / rate.seconds + cost, now)
        # Those who rest no more, as far as they stand in front, and whoever is too many.
        while self._owed and (len(self._owed) > MAX_BUCKETS or not self.wait(next(iter(self._owed)), now)):
            self._owed.popitem(last=False)


class Shared(Protocol):
    """What makes limiters of which the other nodes hear what they count."""

    def limiter(self, count: Count, rate: Live[Rate], refused: Callable[[], None]) -> RateLimiter:
        """One for the limit that ``count`` names; its keys are ids, or several ids one after the other."""
        ...


@dataclass(frozen=True, slots=True)
class Rates:
    """Makes the limiters of one server, each under a limit as it is at the time.

    Attributes:
        limits: the limits.
        counters: told how often each was reached.
        shared: what makes those that all nodes count in; None where there are no others.
    """

    limits: Limits
    counters: Counters
    shared: Shared | None = None

    def by_address(self, count: Count) -> AddressLimiter:
        """What counts by address under the limit that ``count`` names."""
        return AddressLimiter(
            self._rate(count),
            lambda: self.limits.addresses_per_network,
            self.counters.adder(count),
            self.counters.adder(Count.ADDRESSES_PER_NETWORK),
        )

    def by_name(self, count: Count) -> RateLimiter:
        """What counts by anything else, and at this node alone."""
        return RateLimiter(self._rate(count), self.counters.adder(count))

    def by_id(self, count: Count) -> RateLimiter:
        """What counts by account or device, or by pairs of them: at all nodes together."""
        if self.shared is None:
            return self.by_name(count)
        return self.shared.limiter(count, self._rate(count), self.counters.adder(count))

    def _rate(self, count: Count) -> Callable[[], Rate]:
        """What says what the limit is now."""
        limits, name = self.limits, count.value
        return lambda: limits.rate(name)


def check_rate(limiter: RateLimiter | AddressLimiter, key: Hashable, now: float, cost: float = 1.0) -> None:
    """Count ``cost``.

    Raises:
        RefusedError: it was too much at once; the refusal's number says after how many seconds to try again.
    """
    wait = limiter.take(key, now, cost)
    if wait:
        raise too_much(wait)


def too_much(wait: float) -> RefusedError:
    """It was, and would not be after so many seconds."""
    return RefusedError("DS-RATE", ErrorCode.LIMIT, "too much at once: try again later", ceil(wait))


@lru_cache(MAX_REMEMBERED)
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
    return _network(address, IPV6_ADDRESS_BITS)


@lru_cache(MAX_REMEMBERED)
def network_key(key: str) -> str:
    """What counts as one network: an IPv4 /24, an IPv6 /48. For what ``address_key`` has made."""
    try:
        address = ip_address(key)
    except ValueError:
        return key
    return _network(address, IPV6_NETWORK_BITS if isinstance(address, IPv6Address) else IPV4_NETWORK_BITS)


def _network(address: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_network(f"{address}/{bits}", strict=False).network_address)

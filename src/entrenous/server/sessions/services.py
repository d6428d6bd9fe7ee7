"""The services of one server, and which of them answers which request."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrenous.crypto import Entropy
from entrenous.server.clock import Clock
from entrenous.server.configuration.limits import Limits
from entrenous.server.configuration.settings import Settings
from entrenous.server.nodes.bus import Alone, Bus
from entrenous.server.nodes.counting import Counting
from entrenous.server.people.accounts import Accounts
from entrenous.server.people.attempts import Attempts, AttemptsEverywhere, AttemptsHere
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.people.invites import Invites
from entrenous.server.people.key_packages import KeyPackages
from entrenous.server.people.login import Login
from entrenous.server.people.quotas import Quotas
from entrenous.server.people.registration import Registration
from entrenous.server.rates import RateLimiter, Rates, check_rate
from entrenous.server.rooms.appending import Caller
from entrenous.server.rooms.delivery import Delivery
from entrenous.server.rooms.fanout import Fanout
from entrenous.server.rooms.following import Following
from entrenous.server.sessions.activity import Activity
from entrenous.server.sessions.answers import Answers
from entrenous.server.sessions.pacing import LOOK_AGAIN, Courtesy
from entrenous.server.sessions.sharing import Sharing
from entrenous.server.store import Done, Storage
from entrenous.server.watching.counters import Count, Counters
from entrenous.trace import SILENT, Trace
from entrenous.wire import replies, requests

#: Requests whose content the server keeps, for days at least.
_KEPT = frozenset(
    {
        requests.Publish,
        requests.Commit,
        requests.CreateRoom,
        requests.PutKeyPackages,
        requests.PutVault,
        requests.PutDeviceList,
    }
)

ForDevice = Callable[[Caller, Any], Awaitable[replies.Reply]]
#: Does what a device asks for, and calls back once when it is done; what it raises is the outcome, without a call.
ByCallback = Callable[[Caller, Any, Done[Any]], None]
ForAccount = Callable[[bytes, Any], Awaitable[replies.Reply]]


@dataclass(frozen=True, slots=True)
class Services:
    """What sessions call."""

    registration: Registration
    login: Login
    accounts: Accounts
    invites: Invites
    key_packages: KeyPackages
    delivery: Delivery
    fanout: Fanout
    following: Following
    counting: Counting | None
    limits: Limits
    counters: Counters
    activity: Activity
    clock: Clock
    uploads: RateLimiter
    quotas: Quotas
    courtesy: Courtesy
    sharing: Sharing
    of_account: Mapping[type[requests.Request], ForAccount] = field(init=False, repr=False)
    of_device: Mapping[type[requests.Request], ForDevice] = field(init=False, repr=False)
    by_callback: Mapping[type[requests.Request], ByCallback] = field(init=False, repr=False)
    answers: Answers = field(init=False, repr=False)
    _tasks: "set[asyncio.Task[None]]" = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        accounts, delivery, key_packages = self.accounts, self.delivery, self.key_packages
        for_account: dict[type[requests.Request], ForAccount] = {
            requests.PutDeviceList: accounts.put_device_list,
            requests.GetVault: accounts.get_vault,
            requests.PutVault: accounts.put_vault,
        }
        for_device: dict[type[requests.Request], ForDevice] = {
            requests.CreateInvite: self.invites.create,
            requests.FindAccount: accounts.find,
            requests.GetAccount: accounts.get,
            requests.PutKeyPackages: key_packages.put,
            requests.ClaimKeyPackages: key_packages.claim,
            requests.CreateRoom: delivery.create_room,
            requests.ListRooms: delivery.list_rooms,
            requests.Commit: delivery.commit,
            requests.Fetch: delivery.fetch,
            requests.FetchGroupState: delivery.fetch_group_state,
            requests.FetchRoster: delivery.fetch_roster,
            requests.Acknowledge: delivery.acknowledge,
            requests.FetchInbox: delivery.fetch_inbox,
            requests.DropInbox: delivery.drop_inbox,
        }
        object.__setattr__(self, "of_account", for_account)
        object.__setattr__(self, "of_device", for_device)
        object.__setattr__(self, "by_callback", {requests.Publish: delivery.publish})
        object.__setattr__(self, "answers", Answers(self.counters, self.activity))

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        storage: Storage,
        keys: ServerKeys,
        clock: Clock,
        entropy: Entropy,
        address: Callable[[], str],
        trace: Trace = SILENT,
        bus: Bus | None = None,
    ) -> "Services":
        """Join the services of one server; without a bus it is the only node."""
        limits = settings.limits
        counters, courtesy = Counters(), Courtesy()
        fanout = Fanout(lambda: limits.push_backlog, counters.adder(Count.PUSH_BACKLOG))
        following = Following(storage, fanout, bus or Alone())
        fanout.arrived = following.arrived
        counting = None if bus is None else Counting(keys, bus, clock, entropy)
        rates = Rates(limits, counters, counting)
        return cls(
            registration=Registration(storage, keys, clock, entropy, settings, rates),
            login=Login(storage, keys, clock, entropy, settings, rates, _attempts(settings, storage, rates), trace),
            accounts=Accounts(storage, following, clock, rates),
            invites=Invites(storage, clock, entropy, settings, address),
            key_packages=KeyPackages(storage, clock, limits, rates),
            delivery=Delivery(storage, fanout, following, clock, limits, rates),
            fanout=fanout,
            following=following,
            counting=counting,
            limits=limits,
            counters=counters,
            activity=Activity(),
            clock=clock,
            uploads=rates.by_id(Count.UPLOADS),
            quotas=Quotas(storage),
            courtesy=courtesy,
            sharing=Sharing(limits, counters, courtesy),
        )

    def charge(self, account: bytes, request: requests.Request, size: int) -> None:
        """Count the bytes of a request whose content the server is to keep.

        Raises:
            RefusedError: the account has uploaded too much lately, or keeps as much as its quota.
        """
        if type(request) in _KEPT:
            check_rate(self.uploads, account, self.clock.now(), size)
            self.quotas.charge(account, size)

    def serves_devices(self, request: requests.Request) -> bool:
        """Whether a request is one of a device that has logged in."""
        return type(request) in self.by_callback or type(request) in self.of_device

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work on a request. That goes on when its connection is gone, because others are to hear of what it stored."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until no request is worked on."""
        while self._tasks or self.courtesy.in_hand:  # noqa: ASYNC110 only who ends waits for it
            await asyncio.sleep(LOOK_AGAIN)


def _attempts(settings: Settings, storage: Storage, rates: Rates) -> Attempts:
    count = Count.LOGINS_PER_NAME
    if settings.store is None:
        return AttemptsHere(storage, rates.by_name(count))
    return AttemptsEverywhere(storage, lambda: settings.limits.rate(count.value), rates.counters.adder(count))

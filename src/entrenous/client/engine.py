"""The client every front end uses: commands in, events out, one encrypted store, no screen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar, cast

from entrenous.client.actions import Actions
from entrenous.client.alarms import ServerChanged
from entrenous.client.commands import Command
from entrenous.client.environment import Environment
from entrenous.client.events import ConnectionChanged, Event
from entrenous.client.message_ids import MessageIds
from entrenous.client.outbox import Outbox
from entrenous.client.own_device import OwnDevice
from entrenous.client.people import People
from entrenous.client.reaching import PatientCaller
from entrenous.client.rooms.hall import Hall
from entrenous.client.rooms.renewal import Renewal
from entrenous.client.rooms.repeater import RETRY_LEAST, RETRY_MOST, Repeater
from entrenous.client.rooms.roster_watch import RosterWatch
from entrenous.client.rooms.services import Services
from entrenous.client.session import (
    DEFAULT_TIMINGS,
    Backoff,
    Connected,
    Connector,
    Disconnected,
    PushesDropped,
    Session,
    SessionEvent,
    Timings,
)
from entrenous.client.store import Store
from entrenous.client.subscribers import Subscribers, Subscription
from entrenous.client.upkeep import Scrubber, Upkeep
from entrenous.wire import events as pushed
from entrenous.wire import replies

Result = TypeVar("Result")
R = TypeVar("R", bound=replies.Reply)


class Client:
    """One profile at work. Make it with ``open``; ``close`` it at the end.

    Args:
        store: of a profile that has an account; the caller closes it after the client.
        session: of that profile.
        environment: clock, entropy and trace.
    """

    def __init__(self, store: Store, session: Session, environment: Environment) -> None:
        self._store = store
        self._session = session
        self._subscribers = Subscribers()
        self._scrubber = Scrubber(store)
        self._bug: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        device = OwnDevice.load(store, environment.entropy)
        services = Services(
            store=store,
            environment=environment,
            device=device,
            people=People(store, device.account_id, device.login_name),
            caller=PatientCaller(session),
            ids=MessageIds(environment.entropy),
            emit=self._emit,
        )
        self._services = services
        self._outbox = outbox = Outbox(services)
        self._hall = Hall(services, outbox, look_again=self._look_again, on_bug=self._on_bug)
        self._actions = Actions(services, self._hall, outbox)
        self._catch_up = self._repeat(self._hall.catch_up)
        self._inbox = self._repeat(self._hall.empty_inbox)
        self._upkeep = Upkeep(services, on_bug=self._on_bug)
        self._rosters = RosterWatch(self._hall, services)
        #: Set once the server has been asked, since it was last connected, what it has for this device.
        self._asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def open(
        cls, store: Store, connector: Connector, environment: Environment, *, timings: Timings = DEFAULT_TIMINGS
    ) -> Self:
        """Open a profile's client and begin to connect. Must be called in the event loop.

        Raises:
            UsageError: the profile is empty.
        """
        client = cls(store, Session(store, connector, environment, timings=timings), environment)
        client._session.start()
        client._begin()
        return client

    @property
    def account(self) -> bytes:
        """The id of this client's account."""
        return self._services.device.account_id

    @property
    def login_name(self) -> str:
        """What others find this account by."""
        return self._services.device.login_name

    @property
    def is_connected(self) -> bool:
        """Whether the server can be asked now."""
        return self._session.is_connected

    async def do(self, command: Command[Result]) -> Result:
        """Carry out a command; what it answers with, and how long it takes, its class says.

        Raises:
            RejectedError: a rule forbids it; the sentence says which and why.
            UnavailableError: the server cannot be asked now.
            MalformedError, CryptoError: somebody gave us what is not to be believed; nothing was changed.
        """
        return cast("Result", await self._actions.do(command))

    def events(self) -> Subscription:
        """Everything that happens from now on: ``async for event in client.events()``. For any number of listeners."""
        return self._subscribers.subscribe()

    async def wait_until_connected(self) -> None:
        """Wait until the server can be asked.

        Raises:
            EntrenousError: there will be no connection any more; the sentence says why.
        """
        await self._session.wait_until_connected()

    async def wait_until_caught_up(self) -> None:
        """Wait until everything that the server had for this device is on the disk, and its KeyPackages are there.

        Raises:
            EntrenousError: there will be no connection any more; the sentence says why.
        """
        await self.wait_until_connected()
        await self._asked.wait()
        await self._inbox.quiet()
        await self._catch_up.quiet()
        await self._upkeep.quiet()
        for found in self._hall:
            await found.follower.reach(found.follower.newest)

    def retry_now(self) -> None:
        """Something suggests that the server can be reached again."""
        self._session.retry_now()

    async def run(self) -> None:
        """Wait for a bug of ours, which is raised; for a front end that wants to hear of it. Ends at ``close``."""
        await asyncio.shield(self._bug)

    async def close(self) -> None:
        """Say goodbye, stop everything, end all subscriptions. Closing twice is closing once.

        Raises:
            UnavailableError: the disk did not let go of used keys; everything is stopped all the same.
        """
        if not self._tasks:
            return
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for work in (self._catch_up, self._inbox, self._upkeep):
            await work.close()
        await self._hall.close()
        self._outbox.close()
        await self._session.close()
        try:
            self._scrubber.close()
        finally:
            self._subscribers.close()
            if not self._bug.done():
                self._bug.set_result(None)

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        renewal = Renewal(self._hall, self._services)
        for work in (self._listen(), renewal.run(), self._rosters.run()):
            task = loop.create_task(work)
            task.add_done_callback(self._on_end)
            self._tasks.append(task)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """No task ends by itself, other than by a bug."""
        if not task.cancelled() and isinstance(bug := task.exception(), Exception):
            self._on_bug(bug)

    # What the session tells.

    async def _listen(self) -> None:
        while True:
            self._take(await self._session.next_event())

    def _take(self, event: SessionEvent) -> None:
        match event:
            case Connected():
                self._greet(event)
            case Disconnected(reason=reason, retry_in=retry_in):
                self._asked.clear()
                self._emit(ConnectionChanged(is_connected=False, reason=reason, retry_in=retry_in))
            case PushesDropped():
                self._fetch_everything()
            case pushed.NewEntry(room=room, entry=entry):
                if (found := self._hall.find(room)) is not None:
                    found.follower.offer(entry)
            case pushed.LogAdvanced(room=room, newest=newest):
                if (found := self._hall.find(room)) is not None:
                    found.follower.expect(newest)
            case pushed.InboxChanged():
                self._inbox.nudge()
            case pushed.GoingAway():
                pass  # the session comes back by itself

    def _greet(self, connected: Connected) -> None:
        self._emit(ConnectionChanged(is_connected=True))
        if connected.rotated:
            self._emit(ServerChanged(connected.server.identity_key.hex()))
        if connected.rolled_back:
            self._emit(ServerChanged())
        self._fetch_everything()

    def _fetch_everything(self) -> None:
        self._catch_up.nudge()
        self._inbox.nudge()
        self._upkeep.nudge()
        self._asked.set()

    # What the parts share.

    def _emit(self, event: Event) -> None:
        self._upkeep.notice(event)
        self._rosters.notice(event)
        self._subscribers.emit(event)

    def _look_again(self) -> None:
        """A Welcome that led nowhere may lead somewhere now."""
        self._inbox.nudge()

    def _repeat(self, work: Callable[[], Awaitable[None]]) -> Repeater:
        backoff = Backoff(self._services.environment.entropy, least=RETRY_LEAST, most=RETRY_MOST)
        return Repeater(work, backoff, self._on_bug)

    def _on_bug(self, bug: Exception) -> None:
        if not self._bug.done():
            self._bug.set_exception(bug)

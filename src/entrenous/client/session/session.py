"""A logged-in connection that is kept alive: it comes back by itself, until it is closed or an error is final.

The log is the truth and what is pushed is a hint, so a session promises little: it says when it is Connected, and its
engine then fetches what it missed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from entrenous.channel import SUITES
from entrenous.client.environment import Environment
from entrenous.client.session.backoff import Backoff
from entrenous.client.session.connection import Connection
from entrenous.client.session.device_login import log_in_device
from entrenous.client.session.events import Connected, Disconnected, EventQueue, SessionEvent
from entrenous.client.session.finality import explain, is_final
from entrenous.client.session.opening import open_connection
from entrenous.client.session.refusals import BusyError
from entrenous.client.session.timings import DEFAULT_TIMINGS, MOMENT, Timings
from entrenous.client.session.transport import Connector
from entrenous.client.store import Store, account, server, vault
from entrenous.client.store.account import AccountState
from entrenous.client.store.server import ServerRow
from entrenous.errors import EntrenousError, UnavailableError, UsageError
from entrenous.identity import ServerIdentity
from entrenous.wire import replies, requests

R = TypeVar("R", bound=replies.Reply)

LogIn = Callable[[Connection, Store], Awaitable[replies.DeviceLoginDone]]


class Session:
    """This device's standing connection. ``start`` it once, read ``next_event``, ``call``, ``close`` it at the end.

    Args:
        store: says who logs in where; keeps the launch counter.
        connector: reaches the server.
        environment: clock, entropy and trace.
        timings: how long to wait for what.
        log_in: proves to the server who this is.
    """

    def __init__(
        self,
        store: Store,
        connector: Connector,
        environment: Environment,
        *,
        timings: Timings = DEFAULT_TIMINGS,
        log_in: LogIn = log_in_device,
    ) -> None:
        self._store = store
        self._connector = connector
        self._environment = environment
        self._timings = timings
        self._log_in = log_in
        self._events = EventQueue()
        self._backoff = Backoff(environment.entropy, least=timings.retry_least, most=timings.retry_most)
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Why there will be no other attempt; None while there is hope.
        self.final_error: EntrenousError | None = None

    @property
    def is_connected(self) -> bool:
        """Whether calls can be made now."""
        return self._connection is not None

    def start(self) -> None:
        """Begin to connect.

        Raises:
            UsageError: it was started before.
        """
        if self._task is not None:
            raise UsageError("a session is started once")
        self._task = asyncio.get_running_loop().create_task(self._run(), name="session")

    async def close(self) -> None:
        """Say goodbye and stop. Closing twice is closing once."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error  # a bug of ours: nothing else leaves the task

    async def next_event(self) -> SessionEvent:
        """The next thing that happened; waits for it. For one reader."""
        return await self._events.get()

    async def wait_until_connected(self) -> None:
        """Wait until calls can be made.

        Raises:
            EntrenousError: ``final_error``, if there will be no connection any more.
        """
        await self._up.wait()
        if self.final_error is not None:
            raise self.final_error

    def retry_now(self) -> None:
        """Something suggests that the server can be reached again: do not wait any longer."""
        self._wake.set()

    async def call(self, request: requests.Request, expected: type[R]) -> R:
        """Ask the server; see ``Connection.call``.

        Raises:
            RefusedError: the server refused it.
            UnavailableError: there is no connection now, or it ended before the answer came.
            EntrenousError: ``final_error``, if there will be no connection any more.
        """
        if self.final_error is not None:
            raise self.final_error
        if self._connection is None:
            raise UnavailableError("not connected to the server")
        return await self._connection.call(request, expected)

    async def _run(self) -> None:
        try:
            while self.final_error is None:
                reason = await self._one_connection()
                await self._after(reason)
        finally:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def _one_connection(self) -> EntrenousError:
        """Connect, log in, stay as long as it lasts; returns why it ended."""
        loop = asyncio.get_running_loop()
        try:
            connection = await self._connect()
        except EntrenousError as error:
            return error
        since = loop.time()
        self._connection = connection
        self._up.set()
        reason = await self._stay(connection)
        self._up.clear()
        self._connection = None
        if loop.time() - since >= self._timings.steady:
            self._backoff.reset()
        return reason

    async def _connect(self) -> Connection:
        pinned = server.get(self._store)
        if pinned is None:
            raise UsageError("an empty profile has no server to connect to")
        connection = await open_connection(
            self._connector,
            self._environment,
            pin=pinned.server_id,
            known_key=pinned.identity_key,
            suite=SUITES[pinned.suite],
            on_event=self._events.put,
            timings=self._timings,
        )
        try:
            login = await self._log_in(connection, self._store)
        except BaseException:
            connection.close()
            raise
        self._events.put(self._note(login, connection.peer, pinned))
        return connection

    def _note(self, login: replies.DeviceLoginDone, peer: ServerIdentity, pinned: ServerRow) -> Connected:
        """Keep what a login told that is new, and tell what is not as it was."""
        row, own_vault = account.get(self._store), vault.get(self._store)
        rotated = peer.identity_key != pinned.identity_key
        # A pending account that can log in exists: the answer that would have said so was lost.
        is_news = row is not None and (row.login_name, row.state) != (login.login_name, AccountState.ACTIVE)
        if rotated or is_news:
            with self._store.transaction() as tx:
                server.put_identity_key(tx, peer.identity_key)
                account.rename(tx, login.login_name)
                account.activate(tx)
        return Connected(login, peer, rotated, _is_rolled_back(login, row, own_vault))

    async def _stay(self, connection: Connection) -> EntrenousError:
        """Watch over a connection until it ends, ending it where it is too quiet or too old."""
        loop = asyncio.get_running_loop()
        while not connection.is_closed:
            if connection.expired() and connection.in_flight == 0:
                connection.close("a daily connection with new keys takes its place")
                break
            left = min(connection.last_received, connection.last_sent) + self._timings.idle - loop.time()
            if left <= 0 and connection.in_flight == 0:
                await self._ping(connection)
            else:
                # Calls in flight have an eye on silence themselves, and a ping's answer would wait behind theirs.
                wait = left if left > 0 else self._timings.idle
                await asyncio.wait((connection.closed,), timeout=max(wait, MOMENT))
        return connection.closed.result()

    async def _ping(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(self._timings.ping):
                await connection.call(requests.Ping(), replies.Done)
        except TimeoutError:
            connection.abort(f"the server did not answer a ping within {self._timings.ping:.0f} s")
        except EntrenousError as error:
            connection.abort(f"the server did not answer a ping: {error}")

    async def _after(self, reason: EntrenousError) -> None:
        """Tell why there is no connection; then wait, or give up for good."""
        if is_final(reason):
            row = account.get(self._store)
            is_pending = row is not None and row.state is AccountState.PENDING
            self.final_error = explain(reason, is_pending=is_pending)
            self._events.put(Disconnected(str(self.final_error), None))
            self._up.set()  # who waits for a connection learns that there will be none
            return
        wait = self._backoff.next()
        if isinstance(reason, BusyError):
            wait = max(wait, reason.retry_after)
        self._events.put(Disconnected(str(reason), wait))
        self._wake.clear()
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return


def _is_rolled_back(
    login: replies.DeviceLoginDone, row: account.AccountRow | None, own_vault: vault.VaultRow | None
) -> bool:
    """Whether the server has older versions than this device knows that it had."""
    return (row is not None and login.device_list_version < row.device_list_version) or (
        own_vault is not None and login.vault_version < own_vault.version
    )

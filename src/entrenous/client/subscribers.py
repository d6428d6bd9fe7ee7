"""Events to any number of front ends, each at its own pace; one that sleeps too long is told how much it missed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from entrenous.client.events import Event, EventsMissed

#: Events that wait for one subscriber before the oldest are dropped.
CAPACITY = 10_000


class Subscribers:
    """Whoever listens. Emitting never waits and never fails."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._subscriptions: set[Subscription] = set()
        self._is_closed = False

    def emit(self, event: Event) -> None:
        """Tell everybody."""
        for subscription in self._subscriptions:
            subscription.put(event)

    def subscribe(self) -> "Subscription":
        """Listen from now on."""
        subscription = Subscription(self._capacity, self._subscriptions.discard)
        if self._is_closed:
            subscription.finish()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def close(self) -> None:
        """Nothing more will be told: every iteration ends after what waits."""
        self._is_closed = True
        for subscription in tuple(self._subscriptions):
            subscription.finish()


class Subscription(AsyncIterator[Event]):
    """One listener's events, in order. Iterate over it; ``close`` it when done."""

    def __init__(self, capacity: int, on_close: Callable[["Subscription"], None]) -> None:
        self._capacity = capacity
        self._on_close = on_close
        self._waiting: deque[Event] = deque()
        self._missed = 0
        self._ready = asyncio.Event()
        self._is_finished = False

    def put(self, event: Event) -> None:
        """Add an event; the oldest goes where there are too many."""
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(event)
        self._ready.set()

    def finish(self) -> None:
        """End the iteration after what waits."""
        self._is_finished = True
        self._ready.set()

    def close(self) -> None:
        """Listen no more."""
        self._on_close(self)
        self.finish()

    async def __anext__(self) -> Event:
        """The next event; waits for it."""
        while True:
            if self._missed:
                missed, self._missed = self._missed, 0
                return EventsMissed(missed)
            if self._waiting:
                return self._waiting.popleft()
            if self._is_finished:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()

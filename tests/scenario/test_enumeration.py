"""Whoever asks to log in does not learn whether the name exists: not from a reply's length, not from its time (§6).

Measured at the service, without a network, without limits, all of it in one thread whose own time is taken, so that
other processes do not blur it: nobody outside gets to see as much.
ENUMERATION_SAMPLES sets the number of logins of each kind; ``make enumeration`` takes the 10,000 that are promised.
"""

import gc
import math
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import pytest

from entrenous.crypto import ristretto
from entrenous.opaque import start_login
from entrenous.server import Limits, Rate
from entrenous.server.people.login import Binding, Login
from entrenous.server.refusal import RefusedError
from entrenous.server.store.statements import Statement, Transaction
from entrenous.testing import SeededEntropy, run_virtual
from entrenous.wire import encode_answer, requests
from server_people import World

#: Logins of each kind; in the ordinary run as many as take few seconds.
SAMPLES = int(os.environ.get("ENUMERATION_SAMPLES", "1500"))
#: What is promised of 10,000: an AUC between 0.48 and 0.52. Chance alone moves one of fewer samples further.
PROMISED_SAMPLES, PROMISED_MARGIN = 10_000, 0.02
#: Names of each kind, asked for again and again: who probes does the same, and caches are as warm for both.
NAMES = 20
FREE = Rate(10**9, 1.0)
UNLIMITED = Limits(logins_per_name=FREE, logins_per_address=FREE)
BINDING = Binding(1, bytes(32), "192.0.2.1")

Scenario = Callable[[World, "Names"], Coroutine[Any, Any, None]]


class Names(NamedTuple):
    """Names of equal length."""

    known: list[str]
    unknown: list[str]


class Sample(NamedTuple):
    """One KE1 that was answered."""

    is_known: bool
    nanoseconds: int
    size: int


def play(scenario: Scenario) -> None:
    async def main() -> None:
        async with await World.start(limits=UNLIMITED) as world:
            names = Names([f"person{n:02}" for n in range(NAMES)], [f"nobody{n:02}" for n in range(NAMES)])
            for name in names.known:
                await world.register(name)
            await scenario(world, names)

    run_virtual(main())


def service(world: World) -> Login:
    return world.memory.server.services.login


def login_start(name: str, seed: object = 0, *, recovery: bool = False) -> requests.LoginStart:
    return requests.LoginStart(name, recovery, start_login(b"a guess", SeededEntropy(repr(seed)))[1])


async def measure(world: World, names: Names, count: int) -> list[Sample]:
    """``count`` logins of each kind, in pairs of one of each, in either order."""
    source, login, samples = random.Random(1), service(world), list[Sample]()
    # Made beforehand: the client's work is not what is measured.
    prepared = {name: login_start(name, name) for kind in names for name in kind}
    gc.collect()
    gc.disable()
    try:
        for _ in range(count):
            pair = [(True, source.choice(names.known)), (False, source.choice(names.unknown))]
            source.shuffle(pair)
            for is_known, name in pair:
                request = prepared[name]
                begun = time.thread_time_ns()
                reply, _ = await login.start(request, BINDING)
                samples.append(Sample(is_known, time.thread_time_ns() - begun, len(encode_answer(1, reply))))
    finally:
        gc.enable()
    return samples


def auc(samples: list[Sample]) -> float:
    """How often a known name's time is above an unknown one's: 0.5 tells nothing, 0 and 1 tell everything."""
    by_time = sorted(samples, key=lambda sample: sample.nanoseconds)
    ranks = sum(rank for rank, sample in enumerate(by_time, 1) if sample.is_known)
    known = sum(sample.is_known for sample in samples)
    return (ranks - known * (known + 1) / 2) / (known * (len(samples) - known))


def margin(count: int) -> float:
    """How far from 0.5 the AUC of ``count`` samples of each kind may lie: as improbably far as the promise's."""
    return PROMISED_MARGIN * math.sqrt(PROMISED_SAMPLES / count)


def test_time_does_not_tell_whether_a_name_exists(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(world: World, names: Names) -> None:
        samples = await measure(world, names, SAMPLES)
        assert len({sample.size for sample in samples}) == 1
        found = auc(samples)
        told = f"{SAMPLES} logins of each kind: AUC {found:.4f}, allowed 0.5 ± {margin(SAMPLES):.4f}\n"
        if SAMPLES == PROMISED_SAMPLES:
            with capsys.disabled():
                sys.stdout.write(told)
        assert abs(found - 0.5) <= margin(SAMPLES), told

    play(scenario)


def test_the_measurement_would_find_two_group_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World, names: Names) -> None:
        start, element = Login.start, ristretto.multiply_base(b"\x02" + bytes(31))

        async def telling(self: Login, request: requests.LoginStart, binding: Binding) -> Any:
            if request.login_name in names.known:
                for _ in range(2):
                    ristretto.multiply(b"\x03" + bytes(31), element)
            return await start(self, request, binding)

        monkeypatch.setattr(Login, "start", telling)
        assert auc(await measure(world, names, 500)) > 0.5 + margin(500)

    play(scenario)


class Watched:
    """A back end whose operations are noted."""

    def __init__(self, inner: ristretto.RistrettoBackend, done: list[str]) -> None:
        self._inner = inner
        self._done = done

    def __getattr__(self, name: str) -> Any:
        self._done.append(name)
        return getattr(self._inner, name)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every group operation and every read of the database, in order."""
    done: list[str] = []
    backend, one = Watched(ristretto.backend(), done), Transaction.one

    def reading(self: Transaction, statement: Statement, /, **values: Any) -> Any:
        row = one(self, statement, **values)
        done.append(f"read {id(statement)}: {'nothing' if row is None else [type(value).__name__ for value in row]}")
        return row

    monkeypatch.setattr(ristretto, "backend", lambda: backend)
    monkeypatch.setattr(Transaction, "one", reading)
    return done


async def work_of(login: Login, name: str, work: list[str], *, recovery: bool) -> list[str]:
    """What a whole login with a wrong password does."""
    work.clear()
    _, pending = await login.start(login_start(name, recovery=recovery), BINDING)
    with pytest.raises(RefusedError, match="AUTH-CREDENTIALS"):
        await login.finish(requests.LoginFinish(bytes(64)), pending)
    return list(work)


@pytest.mark.parametrize("recovery", [False, True])
def test_a_login_does_the_same_work_for_known_and_unknown_names(work: list[str], *, recovery: bool) -> None:
    async def scenario(world: World, names: Names) -> None:
        done = [await work_of(service(world), name, work, recovery=recovery) for kind in names for name in kind]
        assert all(each == done[0] for each in done)
        assert sum(step.startswith("read") for step in done[0]) == 1
        assert "nothing" not in str(done[0])
        assert done[0].count("multiply") + done[0].count("multiply_base") >= 5

    play(scenario)

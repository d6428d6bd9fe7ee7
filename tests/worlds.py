"""Scenarios: a test that is given a world, under virtual time."""

from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path

from entrenous.testing import run_virtual
from entrenous.testing.members import World

Scenario = Callable[[World], Awaitable[None]]


def in_world(scenario: Scenario) -> Callable[[Path], None]:
    """Run a scenario with a server in memory, nobody there yet."""

    @wraps(scenario)
    def test(tmp_path: Path) -> None:
        async def run() -> None:
            async with await World.open(tmp_path, seed=scenario.__name__) as world:
                await scenario(world)

        run_virtual(run())

    del test.__wrapped__  # pytest would ask for the scenario's arguments
    return test

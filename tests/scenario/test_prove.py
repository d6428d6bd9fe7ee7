"""``entrenous server prove`` on a server that listens: it holds, and where something leaks it says what and where."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from entrenous.cli.server import prove
from entrenous.cli.server.canary import Canary
from entrenous.crypto import system_entropy
from entrenous.errors import UnavailableError
from entrenous.server import Server, Settings, SystemClock
from entrenous.server.operating import Admin, opened
from entrenous.testing import FAST_KSF


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """Those of a server that runs."""
    found = Settings(
        data_dir=tmp_path / "data", host="127.0.0.1", port=0, public_address="localhost:7443", ksf=FAST_KSF
    )
    server = await Server.open(found, clock=SystemClock(), entropy=system_entropy)
    await server.listen()
    yield found
    await server.close()


async def test_a_server_that_keeps_its_promise_holds_and_the_canaries_are_gone(settings: Settings) -> None:
    checks = await prove._canary(settings, [], is_quiet=True)
    assert [(check.name, check.holds) for check in checks] == [
        ("conversation", True),
        ("search", True),
        ("control", True),
    ]
    assert "32 of 32" in checks[-1].detail
    async with opened(settings) as storage:
        users = [user async for user in Admin(storage, SystemClock(), "test").users()]
    assert len(users) == 2
    assert all(user.deleted_at for user in users)


async def test_a_leak_is_told_by_what_it_is_and_where(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = Canary.hatch()
    monkeypatch.setattr(Canary, "hatch", lambda: canary)
    log = tmp_path / "some.log"
    log.write_text(f"debug room={canary.room_name.encode().hex()}")
    (search,) = [check for check in await prove._canary(settings, [log], is_quiet=True) if check.name == "search"]
    assert not search.holds
    assert "the room's name (hex) in" in search.detail
    assert str(log) in search.detail
    assert canary.room_name not in search.detail


async def test_without_a_server_there_is_nothing_to_prove(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no server runs"):
        await prove._canary(Settings(data_dir=tmp_path), [], is_quiet=True)

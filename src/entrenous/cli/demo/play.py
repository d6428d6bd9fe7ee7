"""Play the demo: a server, three people, a conversation, and the search for anything that leaked."""

import asyncio
import time

from rich.console import Console

from entrenous.cli.demo import scene
from entrenous.cli.demo.person import Person
from entrenous.cli.demo.report import Report
from entrenous.cli.demo.scene import Cast
from entrenous.cli.demo.stage import Stage, raised
from entrenous.cli.leaks import control_copies, needles, search


async def play() -> bool:
    """Play it; True if nothing leaked and the search could have found it."""
    report = Report(Console())
    started = time.monotonic()
    async with raised() as stage:
        cast = _cast(stage)
        try:
            await _acts(cast, stage, report)
        finally:
            await asyncio.gather(*(person.go_offline() for person in cast.all))
        passed = _judge(cast, stage, report)
    report.verdict(passed=passed, seconds=time.monotonic() - started)
    return passed


def _cast(stage: Stage) -> Cast:
    return Cast(
        Person("alice", "quarry velvet mango thimble orbit", stage.folder / "alice"),
        Person("bob", "lantern drizzle cobalt anvil pigeon", stage.folder / "bob", suite="classic"),
        Person("carol", "walnut saddle comet ribbon gravel", stage.folder / "carol"),
    )


async def _acts(cast: Cast, stage: Stage, report: Report) -> None:
    report.act(1, "alice, bob and carol register, each by an invite link (bob's channel is FFDHE2048, theirs hybrid)")
    await scene.register(cast, stage.first_link)
    report.act(2, "alice makes a room and adds the others; they talk")
    await scene.meet(cast)
    report.act(3, "carol is away while two messages are sent, and comes back")
    await scene.one_is_away(cast)
    report.act(4, "alice removes bob; two more messages are sent")
    await scene.one_is_removed(cast)


def _judge(cast: Cast, stage: Stage, report: Report) -> bool:
    remarks = ("in the room to the end", "removed by alice", "away for two messages")
    for person, remark in zip(cast.all, remarks, strict=True):
        report.transcript(person, remark)
    report.stored(stage.stored_entries())
    report.act(5, "search for every message, the room's name and the passwords")
    plaintexts = scene.plaintexts(cast)
    wanted, places = needles(plaintexts), stage.haystacks() | stage.client_files(cast.all)
    findings = search(wanted, places)
    report.searched(len(plaintexts), len(wanted), places, findings)
    found = len(search(wanted, control_copies(wanted, places)))
    expected = len(wanted) * len(places)
    report.control(expected, found)
    return not findings and found == expected

"""One person of the demo: a profile directory and, while at the keyboard, a real client process.

The process is ``entrenous chat --json``: lines in as a person would type them, events out as JSON lines.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrenous.errors import UnavailableError

#: Seconds in which anything that the demo waits for must have happened.
PATIENCE = 30

Event = dict[str, Any]


def entrenous(*arguments: str) -> list[str]:
    """The command line of one Entrenous process, with this interpreter."""
    return [sys.executable, "-m", "entrenous", *arguments]


@dataclass
class Person:
    """Somebody with a name, a password and a profile of their own."""

    name: str
    password: str
    directory: Path
    suite: str = "hybrid"
    events: list[Event] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def log(self) -> Path:
        """What the client logged, every key derivation included."""
        return self.directory / "client.log"

    async def join(self, link: str) -> None:
        """Register by redeeming an invite link, in a process of its own."""
        await self.run(
            "join", link, "--name", self.name, "--password-stdin", "--suite", self.suite, typed=self.password
        )

    async def run(self, *arguments: str, typed: str = "") -> str:
        """Run one command to its end; returns its standard output.

        Raises:
            UnavailableError: it failed; the sentence is what it printed.
        """
        process = await asyncio.create_subprocess_exec(
            *entrenous("--profile", str(self.directory), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate((typed + "\n").encode())
        if process.returncode:
            raise UnavailableError(f"{self.name}: {arguments[0]} failed: {err.decode().strip()}")
        return out.decode()

    async def come_online(self) -> None:
        """Start the client."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *entrenous("--profile", str(self.directory), "--log-level", "debug", "chat", "--json"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._reader = asyncio.create_task(self._read())
        seen = len(self.events)
        await self.wait_for(lambda event: event["type"] == "connection-changed" and event["is_connected"], seen)

    async def go_offline(self) -> None:
        """End the client as a person would, and wait until the process is gone."""
        if self._process is None or self._reader is None:
            return
        with contextlib.suppress(OSError):
            await self.type("/quit")
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
                await self._reader
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._process = self._reader = None

    async def type(self, line: str) -> None:
        """Type one line and press Enter."""
        assert self._process is not None  # noqa: S101 only people at the keyboard type
        assert self._process.stdin is not None  # noqa: S101 it was made with a pipe
        self._process.stdin.write((line + "\n").encode())
        await self._process.stdin.drain()

    async def does(self, line: str, answer: str) -> None:
        """Type a command and wait for its answer, an event of the kind ``answer``.

        Raises:
            UnavailableError: it was refused, or nothing came in time.
        """
        seen = len(self.events)
        await self.type(line)
        event = await self.wait_for(lambda event: event["type"] in {answer, "error"}, seen)
        if event["type"] == "error":
            raise UnavailableError(f"{self.name} typed {line.split()[0]}: {event['value']}")

    async def reads(self, text: str) -> None:
        """Wait until a message with this text has arrived."""
        await self.wait_for(lambda event: event["type"] == "message-arrived" and event["message"]["text"] == text)

    async def sees(self, kind: str, **fields: object) -> Event:
        """Wait until an event of this kind, with these fields, has arrived."""
        return await self.wait_for(lambda event: event["type"] == kind and fields.items() <= event.items())

    async def wait_for(self, wanted: Callable[[Event], bool], after: int = 0) -> Event:
        """Wait for an event; earlier ones count too, from index ``after`` on.

        Raises:
            UnavailableError: it did not come in time, or the client ended.
        """
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                while True:
                    for event in self.events[after:]:
                        if wanted(event):
                            return event
                    if self._reader is not None and self._reader.done():
                        break
                    await self._news.wait()
        except TimeoutError:
            pass
        last = json.dumps(self.events[-3:], ensure_ascii=False)
        raise UnavailableError(f"{self.name} waited in vain; the last events were {last}")

    def transcript(self) -> list[tuple[str, str]]:
        """What this person read, in order: (sender, text)."""
        messages: dict[str, tuple[str, str]] = {}
        for event in self.events:
            if event["type"] == "message-arrived" and event["message"]["kind"] == "text":
                message = event["message"]
                messages.setdefault(message["message_id"], (message["sender_name"], message["text"]))
        return list(messages.values())

    async def _read(self) -> None:
        assert self._process is not None  # noqa: S101 started just before
        assert self._process.stdout is not None  # noqa: S101 it was made with a pipe
        async for line in self._process.stdout:
            async with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

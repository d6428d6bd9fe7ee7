"""Where lines come from: a prompt with completion on a terminal, plain lines from a pipe."""

import asyncio
import codecs
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.patch_stdout import patch_stdout

from entrenous.client.slash import ALL_COMMANDS

_CHUNK = 4096


class SlashCompleter(Completer):
    """Completes the names of commands."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Commands that begin with what stands before the cursor."""
        text = document.text_before_cursor
        if not text.startswith("/") or text.startswith("//") or " " in text:
            return
        for command in ALL_COMMANDS:
            if command.name.startswith(text[1:].lower()):
                yield Completion(
                    f"/{command.name}", start_position=-len(text), display=command.usage, display_meta=command.help
                )


class StandardOutput:
    """Prints lines; on a terminal they appear above the prompt."""

    def show(self, line: str) -> None:
        """Print one line at once."""
        print(line, flush=True)


@contextlib.contextmanager
def interruptible(on_interrupt: Callable[[], object]) -> Iterator[None]:
    """While this lasts, Ctrl+C calls ``on_interrupt`` and does not end the program."""
    loop, former = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    try:
        loop.add_signal_handler(signal.SIGINT, on_interrupt)
    except (NotImplementedError, RuntimeError):  # Windows; or not the main thread, where no signal arrives
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, former)


async def prompted_lines(prompt: Callable[[], str]) -> AsyncIterator[str]:
    """Lines typed at a prompt; Ctrl+C clears the line, Ctrl+D on an empty one leaves."""
    session: PromptSession[str] = PromptSession(completer=SlashCompleter(), complete_while_typing=True)
    with patch_stdout():
        while True:
            try:
                yield await session.prompt_async(prompt)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return


async def piped_lines() -> AsyncIterator[str]:
    """Lines from standard input, to its end, whatever it is: a pipe, a file, a terminal."""
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        # os.read, not sys.stdin: a thread that waits inside a file object cannot be left behind at the end.
        while data := os.read(sys.stdin.fileno(), _CHUNK):
            *lines, rest = (rest + decoder.decode(data)).split("\n")
            for line in lines:
                loop.call_soon_threadsafe(queue.put_nowait, line)
        if rest:
            loop.call_soon_threadsafe(queue.put_nowait, rest)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line

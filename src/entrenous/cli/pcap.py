"""``entrenous pcap``: what a recording of the network shows of our connections, and with a key log what was said."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entrenous.cli.logs import LogLevel
from entrenous.cli.options import JsonOption, common, examples
from entrenous.cli.output import json_line, note, one_line, say
from entrenous.cli.run import stop
from entrenous.errors import EntrenousError, UsageError

if TYPE_CHECKING:
    from entrenous.capture import ConnectionRow, FrameRow, KeyLog, MessageRow, Report

#: Characters of a server id and of a room's that tell it from others.
_SHORT_ID = 16
#: Characters of a text in one line, and of a message's fields, which a terminal may have less space for.
_LINE, _FEWEST = 90, 20
_CLIENT, _SERVER = "client →", "← server"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "pcap",
        epilog=examples(
            "tcpdump -i lo -w chat.pcap port 7443       # record, on the server or on the client's machine",
            "entrenous pcap chat.pcap                   # who talked with whom, for how long, how much",
            "entrenous pcap chat.pcap --frames          # every handshake message and record, by its size",
            "entrenous --keylog keys --keylog-epochs    # chat, and keep the keys (dangerous)",
            "entrenous pcap chat.pcap --keylog keys     # and what was said",
            "entrenous pcap chat.pcap --keylog keys --json | jq 'select(.type == \"message\")'",
        ),
    )(pcap)


def pcap(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A capture: pcap or pcapng.")],
    keylog: Annotated[
        Path | None, typer.Option("--keylog", metavar="FILE", help="The keys that a client or server wrote meanwhile.")
    ] = None,
    connection: Annotated[
        int | None, typer.Option("--connection", "-c", metavar="N", min=1, help="Only this one of the list.")
    ] = None,
    frames: Annotated[bool, typer.Option("--frames", help="Show each frame: handshake messages and records.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the connections to Entrenous servers in a capture; with a key log, also what was said in them.

    Without a key log this is all that a network sees: addresses, times and sizes. Who the server is travels encrypted.
    """
    options = common(context)
    options.start_logging(LogLevel.WARNING)

    keys = keylog or options.keylog
    try:
        _tell(_report(file, keys), connection, with_frames=frames, with_keys=keys is not None, as_json=as_json)
    except EntrenousError as error:
        stop(error)


def _report(file: Path, keylog: Path | None) -> "Report":
    from entrenous.capture import Report

    log = _key_log(keylog)
    try:
        with file.open("rb") as recording:
            return Report(recording, log)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _key_log(path: Path | None) -> "KeyLog":
    from entrenous.capture import KeyLog, read_key_log

    if path is None:
        return KeyLog()
    try:
        with path.open(encoding="ascii", errors="replace") as lines:
            return read_key_log(lines)
    except OSError as error:
        raise UsageError(f"the key log {path} cannot be read: {error.strerror}") from None


def _tell(report: "Report", wanted: int | None, *, with_frames: bool, with_keys: bool, as_json: bool) -> None:
    rows = [row for row in report.connections() if wanted in (None, row.number)]
    if wanted is not None and not rows:
        raise UsageError(f"there is no connection {wanted}: the capture has {report.summary.connections} of ours")
    if as_json:
        for row in rows:
            say(json_line("connection", row))
            for frame in report.frames(row.number) if with_frames else ():
                say(json_line("frame", frame))
            for message in report.messages(row.number):
                say(json_line("message", message))
        say(json_line("summary", report.summary))
        return
    for line in _table(rows):
        say(line)
    for row in rows:
        _tell_connection(report, row, with_frames=with_frames)
    told = f"{report.summary.packets} packets, {report.summary.connections} connections of ours"
    note(f"{told}, {report.summary.others} others{'; the file is cut off' * report.summary.cut_off}.")
    if with_keys and not any(row.decrypted for row in rows):
        note("The key log opens none of them: it is of other connections.")


def _table(rows: Sequence["ConnectionRow"]) -> list[str]:
    head = ("#", "began (UTC)", "client", "server", "suite", "server id", "sent", "received", "frames", "lasted", "end")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cells(row: "ConnectionRow") -> tuple[str, ...]:
    return (
        str(row.number),
        datetime.fromtimestamp(row.began, UTC).strftime("%H:%M:%S.%f")[:-3],
        row.client,
        row.server,
        row.suite,
        f"{row.server_id[:_SHORT_ID]}…" if row.server_id else "encrypted",
        f"{row.client_bytes:,} B",
        f"{row.server_bytes:,} B",
        f"{row.client_frames} + {row.server_frames}",
        f"{row.seconds:.3f} s",
        row.end,
    )


def _tell_connection(report: "Report", row: "ConnectionRow", *, with_frames: bool) -> None:
    if row.trouble:
        say(f"\nConnection {row.number}: {row.trouble}.")
    frames: Iterable[FrameRow] = report.frames(row.number) if with_frames else ()
    messages = list(report.messages(row.number)) if row.decrypted else []
    lines = [_frame_line(each, row.began) for each in frames]
    if lines:
        say(f"\nConnection {row.number}, its frames:")
    for line in lines:
        say(line)
    if messages:
        say(f"\nConnection {row.number}, what was said on it:")
    for message in messages:
        for line in message_lines(message, row.began):
            say(line)


def _frame_line(row: "FrameRow", began: float) -> str:
    side = _CLIENT if row.from_client else _SERVER
    return f"  {row.time - began:9.4f}  {side}  {row.number:5}  {row.kind:<10} {row.size:>6} B"


def message_lines(row: "MessageRow", began: float) -> list[str]:
    """One message: a line, cut to what a terminal has space for, and one more for each MLS message in it."""
    side = _CLIENT if row.from_client else _SERVER
    call = f"#{row.call}" if row.call else "event"
    beginning = f"  {row.time - began:9.4f}  {side}  {call:<6} {row.name:<18} "
    lines = [f"{beginning}{_fields(row.fields, _beside(beginning))}".rstrip()]
    for said in row.said:
        who = "" if said.sender is None else f" by leaf {said.sender}, generation {said.generation}"
        place = f"room {said.group.hex()[:_SHORT_ID]}… epoch {said.epoch}{who}"
        lines.append(f"{'':31}{place}: {_cut(one_line(said.what))}")
    return lines


def _beside(beginning: str) -> int:
    """The characters that a line has after its beginning: on a terminal no more than its width allows."""
    if not sys.stdout.isatty():
        return _LINE
    return max(_FEWEST, min(_LINE, shutil.get_terminal_size().columns - len(beginning)))


def _fields(fields: dict[str, object], most: int) -> str:
    told = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return _cut(one_line(told.replace('"', "")), most)


def _cut(text: str, most: int = _LINE) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""The pictures of docs/how-to/wireshark.md: one recording, in Wireshark's window and as our own command lists it."""

from dataclasses import replace
from pathlib import Path

from PIL import Image

from pictures.conversation import Recording, need, record
from pictures.painting import paint
from pictures.places import alone
from pictures.stage import Stage, raised
from pictures.views import Pane, Scene, pane_of, without_last_row
from pictures.wireshark_window import LAST_PART, PART_BEFORE, photograph

#: All that must be installed, beside what `make` sets up.
_PROGRAMS = ("dumpcap", "tshark", "wireshark", "Xvfb", "xdotool", "import")
#: Of the terminal: so wide that none of the lines is broken, so high that none of them is lost; and of a picture.
_COLUMNS, _ROWS, _COLOURS = 120, 40, 48
#: Connections of the recording, as Wireshark counts them from 0: both people's registrations, and what alice says.
_REGISTRATIONS, _SAYING = (0, 3), 7
_HANDSHAKE = "entrenous.handshake.e1"
#: A request with a message in it is the only one of this size that a client sends on that connection.
_MESSAGE = f"tcp.stream == {_SAYING} and entrenous.from_client == 1 and entrenous.length in {{300..1000}}"
#: From the first line of what is folded out: down to the handshake's key, and to what is encrypted of a record.
_TO_KEY, _TO_CIPHERTEXT = ("Down",) * 8, ("Down",) * 3


def make(folder: Path) -> tuple[Path, ...]:
    """Record a conversation and picture it; returns the files, all in one folder.

    Raises:
        PictureError: a program is missing or failed.
    """
    for program in _PROGRAMS:
        need(program)
    folder.mkdir(exist_ok=True)
    with raised(alone(_COLUMNS, _ROWS)) as stage:
        stage.shell("alice", "alice")
        recording = record(stage.folder / "alice")
        return (*_listed(stage, recording, folder), *_dissected(recording, folder))


def _dissected(recording: Recording, folder: Path) -> tuple[Path, ...]:
    capture = recording.folder / recording.capture
    handshake, message = folder / "handshake.png", folder / "record.png"
    streams = ",".join(map(str, _REGISTRATIONS))
    keys = (*LAST_PART, *PART_BEFORE, *_TO_KEY)
    photograph(capture, f"entrenous and tcp.stream in {{{streams}}}", _HANDSHAKE, keys, handshake)
    photograph(capture, f"entrenous and tcp.stream == {_SAYING}", _MESSAGE, (*LAST_PART, *_TO_CIPHERTEXT), message)
    return handshake, message


def _listed(stage: Stage, recording: Recording, folder: Path) -> tuple[Path, ...]:
    plain, opened = folder / "pcap.png", folder / "pcap-keylog.png"
    command = f"entrenous pcap {recording.capture}"
    _paint(replace(_printed(stage, command), title="The recording, without keys", owner="idle"), plain)
    command = f"{command} --keylog {recording.key_log} --connection {_SAYING + 1}"
    _paint(replace(_printed(stage, command), title="The same recording, with Alice's key log"), opened)
    return plain, opened


def _printed(stage: Stage, command: str) -> Pane:
    """What a command prints, in a terminal that was empty before."""
    stage.shell("alice", "alice")
    terminal = stage.shells["alice"]
    terminal.write(command)
    stage.terminals.wait_for_echo(terminal, command)
    terminal.write("\r")
    stage.prompted("alice", "alice$ ")
    return without_last_row(pane_of(terminal.screen, "alice", "alice", terminal.screen.cursor.y + 1, is_typing=False))


def _paint(pane: Pane, picture: Path) -> None:
    image = paint(Scene("", (pane,)), alone(_COLUMNS, len(pane.rows)))
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)

"""The real Wireshark with our dissector, in a virtual display, and a picture of its window."""

import contextlib
import io
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from pictures.conversation import ended, need
from pictures.errors import PictureError

_DISSECTOR = Path(__file__).parents[1] / "wireshark" / "entrenous.lua"
_WIDTH, _HEIGHT = 1220, 600
#: Seconds in which a window must have come, and between two looks at it.
_PATIENCE, _LOOK = 90, 3
#: A place in the pane with the details where nothing stands.
_DETAILS = (str(_WIDTH // 4), str(_HEIGHT - 30))
#: First the pane's first line is chosen, then its last: the last of our protocol's parts, which is folded out.
LAST_PART = ("End", "End", "shift+Right")
#: The part before it.
PART_BEFORE = ("Up", "shift+Right")
_COLOURS = 48

#: Wireshark's own settings: a window of this size without what a page need not show.
_RECENT_COMMON = f"""\
privs.warn_if_elevated: FALSE
gui.geometry_main_x: 0
gui.geometry_main_y: 0
gui.geometry_main_width: {_WIDTH}
gui.geometry_main_height: {_HEIGHT}
"""
_RECENT = """\
gui.toolbar_main_show: FALSE
gui.statusbar_show: FALSE
gui.packet_minimap_show: FALSE
column.width: %m, 60, %t, 110, %uS, 90, %uD, 80, %p, 100, %i, 600
"""
_PREFERENCES = """\
gui.update.enabled: FALSE
gui.packet_list_show_minimap: FALSE
gui.column.format: "No.", "%m", "Time", "%t", "From port", "%uS", "To port", "%uD", "Protocol", "%p", "Info", "%i"
gui.qt.font_name: DejaVu Sans Mono,10,-1,5,50,0,0,0,0,0
"""


def photograph(capture: Path, shown: str, selected: str, keys: Iterable[str], picture: Path) -> None:
    """Open a capture and take a picture of the window.

    Args:
        capture: the file.
        shown: a display filter: which packets are listed.
        selected: a display filter: the first packet that it finds is selected.
        keys: what is typed in the pane with its details.
        picture: where the PNG goes.

    Raises:
        PictureError: a program is missing, or no window came.
    """
    number = _first(capture, selected)
    with tempfile.TemporaryDirectory(prefix="entrenous-wireshark-") as name, _display() as display:
        environment = _settings(Path(name)) | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        command = [need("wireshark"), "-X", f"lua_script:{_DISSECTOR}", "-r", capture.name, "-Y", shown, "-g", number]
        process = subprocess.Popen(command, cwd=capture.parent, env=environment, stderr=subprocess.DEVNULL)
        with ended(process):
            _wait_for_window(capture.name, environment)
            _stable(environment)
            _run(environment, need("xdotool"), "mousemove", *_DETAILS, "click", "1")
            for key in keys:
                _run(environment, need("xdotool"), "key", key)
                time.sleep(1)
            _save(_stable(environment), picture)


def _save(data: bytes, picture: Path) -> None:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


def _first(capture: Path, selected: str) -> str:
    """The number of the first packet that a display filter finds."""
    command = [need("tshark"), "-X", f"lua_script:{_DISSECTOR}", "-r", str(capture), "-Y", selected]
    found = subprocess.run([*command, "-T", "fields", "-e", "frame.number"], capture_output=True, text=True, check=True)
    if not found.stdout:
        raise PictureError(f"the capture has no packet for the filter {selected}")
    return found.stdout.split()[0]


def _settings(folder: Path) -> dict[str, str]:
    texts = {"recent_common": _RECENT_COMMON, "recent": _RECENT, "preferences": _PREFERENCES}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    homes = dict.fromkeys(("WIRESHARK_CONFIG_DIR", "HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"), str(folder))
    return dict(os.environ) | homes | {"TZ": "UTC", "LC_ALL": "C.UTF-8"}


@contextlib.contextmanager
def _display() -> Iterator[str]:
    """A display of its own; its number is the first that is free."""
    reading, writing = os.pipe()
    command = [need("Xvfb"), "-displayfd", str(writing), "-screen", "0", f"{_WIDTH}x{_HEIGHT}x24"]
    with ended(subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)), os.fdopen(reading) as told:
        os.close(writing)
        number = told.readline().strip()
        if not number:
            raise PictureError("Xvfb did not start")
        yield f":{number}"


def _wait_for_window(title: str, environment: dict[str, str]) -> None:
    _run(environment, need("xdotool"), "search", "--sync", "--onlyvisible", "--name", title, "windowfocus")


def _stable(environment: dict[str, str]) -> bytes:
    """A picture of all of the display, as soon as two are alike."""
    command = (need("import"), "-window", "root", "-strip", "png:-")
    before, until = b"", time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        now = _run(environment, *command)
        if now == before:
            return now
        before = now
        time.sleep(_LOOK)
    raise PictureError("Wireshark's window does not come to rest")


def _run(environment: dict[str, str], *command: str) -> bytes:
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=_PATIENCE).stdout
    except subprocess.SubprocessError as error:
        raise PictureError(f"{Path(command[0]).name} failed: {getattr(error, 'stderr', b'')!r}") from error

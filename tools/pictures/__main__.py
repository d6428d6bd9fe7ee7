"""Makes the pictures anew; run by ``make demo-gif`` and ``make pictures``.

PYTHONPATH=tools python -m pictures demo
PYTHONPATH=tools python -m pictures wireshark
"""

import argparse
import sys
from pathlib import Path

from pictures.errors import PictureError
from pictures.film import write_gif
from pictures.play import film
from pictures.wireshark_pictures import make

_ROOT = Path(__file__).parents[2]
_FILM, _PAGES = _ROOT / "assets" / "demo.gif", _ROOT / "docs" / "how-to" / "pictures"


def main() -> int:
    """What the process ends with."""
    parser = argparse.ArgumentParser(prog="pictures", description="Make the project's pictures from the real program.")
    parser.add_argument("what", choices=("demo", "wireshark"))
    try:
        files = (_demo(),) if parser.parse_args().what == "demo" else make(_PAGES)
    except PictureError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for file in files:
        sys.stdout.write(f"{file.relative_to(_ROOT)}: {file.stat().st_size:,} bytes\n")
    return 0


def _demo() -> Path:
    frames, layout = film()
    _FILM.parent.mkdir(exist_ok=True)
    write_gif(frames, layout, _FILM)
    return _FILM


if __name__ == "__main__":
    sys.exit(main())

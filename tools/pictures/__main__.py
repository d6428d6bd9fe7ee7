"""Makes the pictures anew; run by ``make demo-gif`` and ``make pictures``.

PYTHONPATH=tools python -m pictures demo
"""

import argparse
import sys
from pathlib import Path

from pictures.errors import PictureError
from pictures.film import write_gif
from pictures.play import film

_ROOT = Path(__file__).parents[2]


def main() -> int:
    """What the process ends with."""
    parser = argparse.ArgumentParser(prog="pictures", description="Make the project's pictures from the real program.")
    parser.add_argument("what", choices=("demo",))
    parser.parse_args()
    try:
        frames, layout = film()
        file = _ROOT / "assets" / "demo.gif"
        file.parent.mkdir(exist_ok=True)
        write_gif(frames, layout, file)
    except PictureError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{file.relative_to(_ROOT)}: {file.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

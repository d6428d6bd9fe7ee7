"""Let ``python server.py`` and ``python client.py`` find the program, installed or in the checkout's own .venv."""

import importlib.util
import os
import sys
from pathlib import Path


def enter_environment() -> None:
    """Go on if Entrenous can be imported; else start again with the Python that ``make demo`` set up."""
    if importlib.util.find_spec("entrenous") is not None:
        return
    here = Path(__file__).resolve().parent
    python = here / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() or Path(sys.prefix).resolve() == (here / ".venv"):
        sys.exit("Entrenous is not set up here. Run `make demo` (sets up .venv and shows it work) or `pip install .`")
    os.execv(str(python), [str(python), *sys.argv])  # noqa: S606 our own interpreter, our own arguments

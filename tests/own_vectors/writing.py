"""All files, and writing them."""

from importlib import import_module
from pathlib import Path

from entrenous.testing.vectors import VectorFile

#: Every module here with cases.
_AREAS = sorted(f"own_vectors.{path.stem}" for path in Path(__file__).parent.glob("*_cases.py"))
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "spec" / "vectors"


def every_file() -> list[VectorFile]:
    """By name."""
    files = (file for area in _AREAS for file in import_module(area).files())
    return sorted(files, key=lambda file: file.operation)


def write(folder: Path = FOLDER) -> list[str]:
    """Write what is not there as it should be, and remove what no operation has; the names of these files."""
    wanted = {f"{file.operation}.json": file.encode() for file in every_file()}
    there = {path.name: path.read_text() for path in folder.glob("*.json")}
    for name in there.keys() - wanted.keys():
        (folder / name).unlink()
    changed = {name: text for name, text in wanted.items() if there.get(name) != text}
    for name, text in changed.items():
        (folder / name).write_text(text)
    return sorted({*changed, *(there.keys() - wanted.keys())})

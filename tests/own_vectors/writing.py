"""All files, and writing them."""

from pathlib import Path

from entrenous.testing.vectors import VectorFile
from own_vectors import (
    account_cases,
    call_cases,
    certificate_cases,
    code_cases,
    encryption_cases,
    handshake_cases,
    log_cases,
    mls_cases,
    password_cases,
    record_cases,
    room_cases,
    vault_cases,
)

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "spec" / "vectors"
_AREAS = (
    account_cases,
    call_cases,
    certificate_cases,
    code_cases,
    encryption_cases,
    handshake_cases,
    log_cases,
    mls_cases,
    password_cases,
    record_cases,
    room_cases,
    vault_cases,
)


def every_file() -> list[VectorFile]:
    """By name."""
    return sorted((file for area in _AREAS for file in area.files()), key=lambda file: file.operation)


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

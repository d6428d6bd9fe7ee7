"""The tables of docs/spec: requests, replies, events, shapes and the bounds of their fields, read from the pages."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("channel.md", "auth.md", "delivery.md")
#: Name and type of each field.
FieldTypes = list[tuple[str, str]]


@cache
def rows(heading: str) -> list[list[str]]:
    """The cells of all tables whose first heading is this."""
    found = []
    for page in PAGES:
        text = (ROOT / "docs" / "spec" / page).read_text(encoding="utf-8")
        for table in re.findall(rf"^\| {re.escape(heading)} \|.*\n\|[-|]*\n((?:\|.*\n)*)", text, re.MULTILINE):
            found += [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return found


def fields_in(cell: str) -> FieldTypes:
    """Of a cell such as "`room` RoomId, `limit` 1 to 500"."""
    return re.findall(r"`(\w+)` (.*?)(?:, (?=`)|$)", cell)


@cache
def bodies(heading: str) -> dict[int, tuple[str, FieldTypes]]:
    """Requests, replies or events by number: name and fields."""
    return {int(row[0]): (row[1], fields_in(row[2])) for row in rows(heading)}


@cache
def shapes() -> dict[str, FieldTypes]:
    return {row[0]: fields_in(row[1]) for row in rows("shape")}


@cache
def types() -> dict[str, str]:
    """What each named type is, e.g. "16 bytes". A row may name several: all alike, or "one; other"."""
    found: dict[str, str] = {}
    for row in rows("field type"):
        names, meanings = row[0].split(", "), row[1].split("; ")
        found |= dict(zip(names, meanings if len(meanings) == len(names) else [row[1]] * len(names), strict=True))
    return found


@cache
def codes() -> set[str]:
    return {row[0].strip("`") for row in rows("code")}

"""The pages of the specification, their tables and their listings, for the tests that hold them to the code."""

import re
from functools import cache
from pathlib import Path

SPEC = Path(__file__).resolve().parents[1] / "docs" / "spec"
#: Without conformance.md, which tests/architecture/test_conformance.py reads.
PAGES = ("README.md", "channel.md", "auth.md", "groups.md", "delivery.md")

_COMMENT = re.compile(r"/\*.*?\*/")


@cache
def page(name: str) -> str:
    return (SPEC / name).read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of every row of the tables whose first heading is ``heading``, on all pages."""
    table = re.compile(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
    found = [row for name in PAGES for body in table.findall(page(name)) for row in body.splitlines()]
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in found]


def listings(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Body and name of every listing that ``pattern`` finds, without its comments."""
    return pattern.findall(_COMMENT.sub("", "".join(map(page, PAGES))))

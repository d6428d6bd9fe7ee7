"""docs/spec/tampering.md against the tests it names, and every link in docs against what it leads to."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from architecture.test_conformance import ROOT, definitions, names_in, parsed, quoted, rules_in, text_of

DOCS = ROOT / "docs"
PAGE = DOCS / "spec" / "tampering.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
ERRORS = {"MalformedError", "CryptoError", "RejectedError"}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    tried: str
    ends: frozenset[str]
    test: str


@cache
def rows() -> tuple[Row, ...]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "|---" not in line][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return tuple(Row(tried, frozenset(quoted(ends)), *quoted(test)) for tried, ends, test in cells)


def errors_named_by(path: Path, test: str) -> set[str]:
    """Classes of errors and rule ids in a test and in what it uses of its module."""
    known = definitions(parsed(path))
    assert isinstance(known.get(test), ast.FunctionDef | ast.AsyncFunctionDef), f"no test {test}"
    reached, waiting = set[str](), [test]
    while waiting:
        name = waiting.pop()
        if name in known and name not in reached:
            reached.add(name)
            waiting += names_in([known[name]])
    names = {name for each in reached for name in names_in([known[each]])}
    texts = [text_of(node) for each in reached for node in ast.walk(known[each])]
    return (names & ERRORS) | {rule for text in texts if text is not None for rule in rules_in(text)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tried)
def test_a_row_leads_to_a_test_that_names_its_error(row: Row) -> None:
    path, _, name = row.test.partition("::")
    named = errors_named_by(ROOT / path, name)
    wanted = {end for end in row.ends if end in ERRORS or rules_in(end) == {end}}
    assert wanted <= named, f"{row.test} does not name {sorted(wanted - named)}"


def test_nothing_is_listed_twice() -> None:
    assert len({row.tried for row in rows()}) == len(rows()) >= 40


def anchors(path: Path) -> set[str]:
    """What a link into a page may name: its headings as forges write them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_in_a_page_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link

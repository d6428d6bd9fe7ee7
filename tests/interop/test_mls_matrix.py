"""The table of what is tried live with other stacks, in docs/mls.md, is true to the tests and to the wheels' APIs."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "mls.md"
#: The columns, and what shows in a test's source that such a member takes part.
PEERS = {
    "ts-mls": re.compile(r"\bTsMls\b|\bpeers\b"),
    "agentvault": re.compile(r"\bUniffi\b"),
    "rine": re.compile(r"\bRine\b|\bmake_rine\b"),
}
WHEELS = {"agentvault": "mls_rs_uniffi", "rine": "rine_mls"}
CELLS = {"both", "follows", "not offered"}
#: What a method or a class would be named after that offered this.
OFFERS = {
    "proposals by reference": "propos",
    "external PSK": "psk",
    "newcomer's proposal": "external_propos|propose_to_join|join_propos",
    "the successor": "successor|_reinit|reinit_",
    "branch": "branch|subgroup",
    "X.509 credentials": "x509|x_509|certif",
    "exporter": "export",
    "tree beside the Welcome": "tree",
}


def rows() -> dict[str, list[str]]:
    """The cells behind each operation."""
    table = re.search(r"^\| operation \|(.*)\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert table is not None
    assert [head.strip() for head in table[1].split("|")[:-1]] == [*PEERS, "tests"]
    cells = [[cell.strip() for cell in row[1:-1].split("|")] for row in table[2].splitlines()]
    return {operation: behind for operation, *behind in cells}


def sources() -> dict[str, list[str]]:
    """The source of every interop test, by its name; two files may have one of the same name."""
    found: dict[str, list[str]] = {}
    for file in (HERE / "test_mls_ts_mls.py", HERE / "test_mls_mls_rs.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                source = ast.get_source_segment(text, node)
                assert source is not None
                # The fixture ``makers`` makes members of all stacks of its file.
                stacks = "TsMls" if file.name == "test_mls_ts_mls.py" else "Uniffi Rine"
                found.setdefault(node.name, []).append(re.sub(r"\bmakers\b", stacks, source))
    return found


@pytest.mark.parametrize("operation", rows())
def test_every_cell_of_the_table_has_a_test_with_such_a_member(operation: str) -> None:
    *cells, tests = rows()[operation]
    names = re.findall(r"`(\w+)`", tests)
    assert names
    known = sources()
    assert [name for name in names if name not in known] == []
    text = "\n".join(source for name in names for source in known[name])
    for (peer, takes_part), cell in zip(PEERS.items(), cells, strict=True):
        assert cell in CELLS
        assert cell == "not offered" or takes_part.search(text), peer


def names_of(wheel: str) -> Iterator[str]:
    """What a wheel's module and its classes offer."""
    for name, value in vars(importlib.import_module(wheel)).items():
        if not name.startswith("_"):
            yield name
            if inspect.isclass(value):
                yield from (member for member in dir(value) if not member.startswith("_"))


@pytest.mark.parametrize("peer", WHEELS)
def test_what_is_not_offered_is_not_offered(peer: str) -> None:
    pytest.importorskip(WHEELS[peer])
    offered = " ".join(sorted(set(names_of(WHEELS[peer]))))
    column = list(PEERS).index(peer)
    absent = [operation for operation, cells in rows().items() if cells[column] == "not offered"]
    assert absent
    for operation in absent:
        assert re.search(OFFERS[operation], offered, re.IGNORECASE) is None, operation

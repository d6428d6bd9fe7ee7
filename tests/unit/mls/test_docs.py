"""The page of the library is true: its code runs, and its passive client follows the official vectors."""

import functools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import entrenous.mls
from conftest import Vectors

PAGE = Path(__file__).resolve().parents[3] / "docs" / "mls.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@functools.cache
def page() -> dict[str, Any]:
    """The names that the page's code defines, after all of it has run in its order."""
    text = PAGE.read_text()
    names: dict[str, Any] = {}
    for block in BLOCK.finditer(text):
        # Blank lines before it, so that a failure names the page's line.
        above = "\n" * (text.count("\n", 0, block.start()) + 1)
        exec(compile(above + block.group(1), str(PAGE), "exec"), names)  # noqa: S102 our own page
    return names


def test_the_page_runs_from_a_key_package_to_a_conversation_of_three() -> None:
    names = page()
    assert names["received"].body.data == b"hello, you two"
    assert names["back"].epoch.group.epoch == 5
    assert sum(1 for _ in names["back"].epoch.group.members()) == 3


@pytest.mark.parametrize("file", ["mls/passive-client-welcome.json", "mls/passive-client-handling-commit.json.gz"])
def test_the_pages_passive_client_follows_the_official_vectors(vectors: Vectors, file: str) -> None:
    cases = vectors.load(file)
    followed = sum(page()["follow_passive_client"](case) for case in cases)
    assert followed == sum(len(case["epochs"]) for case in cases)


def test_every_import_of_the_page_is_public() -> None:
    imported = re.findall(r"^from (entrenous\S*) import", "\n".join(BLOCK.findall(PAGE.read_text())), re.MULTILINE)
    assert set(imported) == {"entrenous.codec", "entrenous.crypto", "entrenous.errors", "entrenous.mls"}


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(entrenous.mls, name) is not None for name in entrenous.mls.__all__)
    assert set(entrenous.mls.__all__) <= set(dir(entrenous.mls))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = entrenous.mls.no_such_name  # type: ignore[attr-defined]  # that is what is tested


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("import entrenous.mls", set()),
        ("from entrenous.mls import Add, MLSMessage", {"types"}),
        ("from entrenous.mls import SUITES", {"types", "suite"}),
        ("from entrenous.mls import commit", {"types", "suite", "schedule", "tree", "x509", "framing", "group"}),
    ],
)
def test_a_name_loads_no_more_than_it_needs(statement: str, loaded: set[str]) -> None:
    program = f"{statement}\nimport sys\nprint(*(name for name in sys.modules if name.startswith('entrenous.mls.')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert {name.split(".")[2] for name in done.stdout.split()} - {"labels"} == loaded

"""Our own vectors: written by the generator, right for the product, and right for who shares no code with it."""

import ast
import copy
import dataclasses
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from entrenous.testing.vectors import (
    CRYPTO,
    MALFORMED,
    OPERATIONS,
    SUCCESS,
    Vector,
    VectorFile,
    form,
    load_vectors,
    prove,
)
from own_vectors.writing import FOLDER, write

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "tests" / "independent_check"
FILES = load_vectors()
LARGEST_FOLDER = 1_200_000
#: What the independent check does not try, and who does: MLS in a suite that is not that of rooms.
FOR_OTHERS, THEIR_SUITE = "groups-joining", 0x0001


def is_for_others(file: VectorFile, vector: Vector) -> bool:
    """tests/interop/test_own_vectors.py has ts-mls try these."""
    return file.operation == FOR_OTHERS and vector.given["suite"] == THEIR_SUITE


def checked(folder: Path) -> tuple[int, list[str]]:
    """Exit code and lines of the independent check."""
    environment = {**os.environ, "PYTHONPATH": str(CHECK.parent)}
    command = [sys.executable, "-W", "error", "-m", "independent_check", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_the_generator_writes_the_files_that_are_there(tmp_path: Path) -> None:
    """And only what is not there yet."""
    written = write(tmp_path)
    assert written == sorted(path.name for path in FOLDER.glob("*.json"))
    for name in written:
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), name
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < LARGEST_FOLDER


def test_the_product_ends_every_vector_as_it_says() -> None:
    proof = prove()
    assert proof.failures == ()
    assert proof.holds
    assert proof.tried == {file.operation: len(file.vectors) for file in FILES}
    assert proof.tried.keys() == OPERATIONS.keys()


def test_who_shares_no_code_with_the_product_ends_every_vector_alike() -> None:
    code, lines = checked(FOLDER)
    others = sum(is_for_others(file, vector) for file in FILES for vector in file.vectors)
    left_out, said = lines
    assert left_out.startswith(f"not tried: {others} of {FOR_OTHERS}: ")
    assert said == f"{sum(len(file.vectors) for file in FILES) - others} vectors agree, 0 differ"
    assert code == 0


def test_the_independent_check_imports_nothing_of_the_product() -> None:
    imported = set()
    for path in CHECK.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                imported.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
    assert imported - sys.stdlib_module_names == {"cryptography", "independent_check"}


def with_another_result(value: Any) -> Any:
    """Some other value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1:] != "0" else "1")
        case list():
            return [*value[:-1], with_another_result(value[-1])] if value else ["00"]
        case dict():
            return {**value, next(iter(value)): with_another_result(value[next(iter(value))])}
    return "00"


def spoilt(vector: Vector) -> list[Vector]:
    """The vector with each of its results changed, and with the other end."""
    other_end = dataclasses.replace(vector, expect=MALFORMED if vector.expect != MALFORMED else CRYPTO, gives={})
    return [
        dataclasses.replace(other_end, comment=f"{vector.comment}, which is refused"),
        *(
            dataclasses.replace(
                vector,
                comment=f"{vector.comment}, with another {name}",
                gives={**copy.deepcopy(dict(vector.gives)), name: with_another_result(value)},
            )
            for name, value in vector.gives.items()
        ),
    ]


def spoilt_files() -> list[VectorFile]:
    """Of each file the first success and the first refusal, spoilt in every way."""
    files = []
    for file in FILES:
        tried = [vector for vector in file.vectors if not is_for_others(file, vector)]
        ends = {vector.expect == SUCCESS: vector for vector in tried[::-1]}
        vectors = tuple(each for vector in ends.values() for each in spoilt(vector))
        files.append(dataclasses.replace(file, vectors=vectors))
    return files


def test_every_spoilt_vector_is_noticed_by_both(tmp_path: Path) -> None:
    files = spoilt_files()
    count = sum(len(file.vectors) for file in files)
    assert count > 3 * len(FILES)
    for file in files:
        (tmp_path / f"{file.operation}.json").write_text(file.encode())
    assert len(prove(files).failures) == count
    code, lines = checked(tmp_path)
    assert code == 1
    assert lines[-1] == f"0 vectors agree, {count} differ"


def test_nothing_tried_is_nothing_proved(tmp_path: Path) -> None:
    assert not prove([]).holds
    assert checked(tmp_path)[0] == 1
    unknown = VectorFile("a-later-operation", "later.md", "It is not known yet.", (Vector("one", SUCCESS, {}, {}),))
    assert not prove([unknown]).holds
    (tmp_path / "a-later-operation.json").write_text(unknown.encode())
    assert checked(tmp_path) == (
        1,
        ["not tried: 1 of a-later-operation: this program does not know it", "0 vectors agree, 0 differ"],
    )


def test_an_installation_that_has_lost_a_file_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in FILES[:2]:
        few = dataclasses.replace(file, vectors=file.vectors[:1])
        (tmp_path / f"{file.operation}.json").write_text(few.encode())
    monkeypatch.setattr(form, "_CHECKOUT", tmp_path)
    proof = prove()
    assert {each.operation for each in proof.failures} == OPERATIONS.keys() - {file.operation for file in FILES[:2]}
    assert not proof.holds


def test_what_ends_in_no_way_that_is_known_is_a_failure_and_the_next_is_tried() -> None:
    first = next(file for file in FILES if file.operation == "channel-prefaces").vectors[0]
    vectors = (dataclasses.replace(first, comment="without what it needs", given={}), first)
    proof = prove([VectorFile("channel-prefaces", "channel.md", "Two.", vectors)])
    assert [(each.comment, each.difference) for each in proof.failures] == [
        ("without what it needs", "it ends in a KeyError")
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.operation)
def test_a_file_has_the_form_that_the_page_says(file: VectorFile) -> None:
    assert file.about.endswith(".")
    assert (FOLDER.parent / file.page).is_file()
    assert len({vector.comment for vector in file.vectors}) == len(file.vectors)
    assert file.vectors[0].expect == SUCCESS
    assert VectorFile.decode(file.encode()) == file
    for vector in file.vectors:
        assert not (vector.gives and vector.expect != SUCCESS)


def test_the_page_lists_every_operation_once() -> None:
    table = (FOLDER / "README.md").read_text().partition("## The operations")[2].partition("\n## ")[0]
    listed = [name for row in re.findall(r"^\| ([a-z, -]+) \|", table, re.MULTILINE) for name in row.split(", ")]
    assert sorted(listed) == sorted({*OPERATIONS, "operation"})


def test_every_rule_of_a_vector_has_a_row() -> None:
    rows = set(
        re.findall(r"^\| ([A-Z0-9-]+) \|", (ROOT / "docs" / "spec" / "conformance.md").read_text(), re.MULTILINE)
    )
    rules = {vector.expect for file in FILES for vector in file.vectors} - {SUCCESS, MALFORMED, CRYPTO}
    assert len(rules) > 25
    assert rules <= rows


@pytest.mark.parametrize("page", ["channel.md", "auth.md"])
def test_every_rule_that_a_page_names_has_a_vector(page: str) -> None:
    named = set(re.findall(r"`([A-Z]+(?:-[A-Z0-9]+)+)`", (FOLDER.parent / page).read_text()))
    assert len(named) > 10
    assert named <= {vector.expect for file in FILES for vector in file.vectors}


def test_repeated_bytes_are_written_short_and_nothing_else() -> None:
    given = {"run": "cc" * 40, "of several": "0a0b" * 33, "short": "cc" * 31, "text": "cc" * 40 + " tea", "none": None}
    file = VectorFile("any", "README.md", "Any.", (Vector("any", SUCCESS, {**given, "list": ["00" * 64, 1]}, {}),))
    written = json.loads(file.encode())["vectors"][0]["given"]
    assert written == {**given, "run": "(cc*40)", "of several": "(0a0b*33)", "list": ["(00*64)", 1]}
    assert VectorFile.decode(file.encode()) == file


def test_the_files_come_with_the_package() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["force-include"] == {"docs/spec/vectors": "entrenous/testing/vectors/files"}

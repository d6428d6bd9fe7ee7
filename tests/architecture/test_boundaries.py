"""What the import contracts cannot see: what is really loaded, and what stands in the files."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that are loaded after a statement, in a fresh interpreter."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "forbidden",
    [
        "entrenous.mls.group",
        "entrenous.mls.schedule",
        "entrenous.mls.tree",
        "entrenous.content",
        "entrenous.client",
        "sqlcipher3",
        "prompt_toolkit",
        "zxcvbn",
    ],
)
def test_a_server_process_never_loads_what_could_open_a_message(forbidden: str) -> None:
    assert forbidden not in loaded_by("import entrenous.server")


@pytest.mark.parametrize("forbidden", ["entrenous.server", "sqlalchemy", "alembic"])
def test_a_client_process_never_loads_the_server(forbidden: str) -> None:
    assert forbidden not in loaded_by("import entrenous.client")


@pytest.mark.parametrize("forbidden", ["rich", "pygments", "entrenous.server", "entrenous.client", "sqlalchemy"])
def test_the_command_line_loads_nothing_dear_before_it_knows_the_command(forbidden: str) -> None:
    assert forbidden not in loaded_by("import entrenous.cli.main")


def test_what_the_command_line_keeps_from_being_loaded_at_first_can_be_had_afterwards() -> None:
    assert {"structlog", "rich.console"} <= loaded_by("import entrenous.cli.main, rich.console")


def test_importing_the_package_alone_is_cheap() -> None:
    assert not [name for name in loaded_by("import entrenous") if name.startswith("entrenous.")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_with_its_job_and_stays_readable(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 400


def test_no_name_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert [path for path in SOURCES if path.stem in vague] == []


def test_the_locks_name_no_index_and_hash_everything() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert not re.search(r"https?://|--index-url|--find-links", text)
        pins = re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE)
        assert pins
        assert len(re.findall(r"^[A-Za-z0-9._-]+==.*\\$", text, re.MULTILINE)) == len(pins)

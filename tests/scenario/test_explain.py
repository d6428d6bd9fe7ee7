"""``entrenous explain`` as a person runs it: a process of its own, with the real cost of a password."""

import json
import os
import subprocess
import sys
from pathlib import Path

import entrenous

SOURCE = Path(entrenous.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(SOURCE)}


def explain(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "entrenous", "explain", *arguments],
        capture_output=True, encoding="utf-8", timeout=120, check=False, cwd=folder,
        env=ENVIRONMENT,
    )  # fmt: skip


def test_a_conversation_is_explained_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = explain("--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) > 25
    cost = next(value["text"] for step in told for value in step["values"] if value["name"] == "cost of Argon2id")
    assert cost == "65536 KiB, 3 passes, 4 lanes"
    assert sum(len(step["attacks"]) for step in told) >= 15
    assert list(tmp_path.iterdir()) == []
    assert done.stderr == ""


def test_the_other_commands_do_not_pay_for_it(tmp_path: Path) -> None:
    program = "import sys; import entrenous.cli.main; print(*[name for name in sys.modules if 'explain' in name])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env=ENVIRONMENT
    )
    assert done.stdout.split() == ["entrenous.cli.explain"]

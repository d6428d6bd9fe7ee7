"""deploy/ and docs/how-to/operate.md against the program: units that systemd takes, and commands that exist."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from entrenous.cli.main import app
from entrenous.server.store.schema import REVISION

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
#: Where the units expect the program.
INSTALLED = "/opt/entrenous/bin/entrenous"


def check_command(words: list[str]) -> None:
    """Follow a command line through the program's commands to its options."""
    command: Any = typer.main.get_command(app)
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            name = word.partition("=")[0]
            known = {option: each for each in command.params for option in (*each.opts, *each.secondary_opts)}
            assert name in known, f"{command.name} has no {name}"
            option = known[name]
            if "=" not in word and not getattr(option, "is_flag", False):
                words.pop(0)
        elif hasattr(command, "commands"):
            assert word in command.commands, f"{command.name} has no command {word}"
            command = command.commands[word]
    assert not hasattr(command, "commands"), f"{command.name} is not a whole command"


def commands_in(text: str) -> list[list[str]]:
    """Every command line of ours in a page's blocks and in its quoted words."""
    blocks, fence = [], ""
    for line in text.splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        elif fence == "```":
            blocks.append(line)
    quoted = re.findall(r"`((?:entrenous server|admin) [^`]+)`", text)
    found = []
    for line in (*blocks, *quoted):
        words = shlex.split(line, comments=True)
        if words[:1] == ["admin"]:
            words = ["entrenous", "server", *words]
        if words and words[0].rpartition("/")[2] == "entrenous":
            found.append(words[1:])
    return found


def test_every_command_that_the_operators_page_names_exists() -> None:
    text = (ROOT / "docs/how-to/operate.md").read_text()
    commands = commands_in(text)
    assert len(commands) > 30
    for words in commands:
        if words[-1:] == [">"] or ">" in words:
            words = words[: words.index(">")]
        if words != ["server", "admin"] and words:
            check_command(words)


def test_the_operators_page_leads_to_pages_and_files_that_exist() -> None:
    text = (ROOT / "docs/how-to/operate.md").read_text()
    for file in re.findall(r"deploy/[\w.-]+\w", text):
        assert (ROOT / file).is_file(), file
    for page in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (ROOT / "docs/how-to" / page).resolve().is_file(), page


def test_the_units_start_commands_that_exist() -> None:
    for unit in DEPLOY.glob("*.service"):
        found = re.findall(rf"{re.escape(INSTALLED)} (.*?)'?$", unit.read_text(), re.MULTILINE)
        assert found, unit.name
        for line in found:
            check_command(shlex.split(line))


@SYSTEMD
def test_systemd_takes_the_units_and_finds_the_service_well_shut(tmp_path: Path) -> None:
    for unit in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        # The program is not where the unit expects it on this machine, and systemd would say so.
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, "/bin/true"))
    units = sorted(str(unit) for unit in tmp_path.iterdir())
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in verified.stderr.splitlines() if str(tmp_path) in line or "entrenous" in line]
    assert ours == []
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(tmp_path / "entrenous.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-500:] + judged.stderr


def test_the_container_runs_as_nobody_with_one_volume_and_is_asked_for_its_health() -> None:
    lines = [line for line in (DEPLOY / "Containerfile").read_text().splitlines() if line and not line.startswith("#")]
    stage = lines[max(index for index, line in enumerate(lines) if line.startswith("FROM ")) :]
    words = [line.split()[0] for line in stage if not line.startswith((" ", "\t"))]
    assert words.count("USER") == words.count("VOLUME") == words.count("HEALTHCHECK") == 1
    assert "USER entrenous" in stage
    sources = {
        source for line in lines if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]
    }
    assert [source for source in sources if not (ROOT / source).exists()] == []
    # What the package is built from is in the build's stage.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["force-include"], "pyproject.toml", project["project"]["readme"]} <= sources
    (entry,) = [line for line in stage if line.startswith("CMD ")]
    check_command(re.findall(r'"([^"]+)"', entry))


def test_a_backup_names_the_schema_by_a_revision_that_sorts() -> None:
    # restore tells an older backup from a newer one by comparing these.
    versions = ROOT / "src/entrenous/server/store/migrations/versions"
    revisions = sorted(path.name[1:5] for path in versions.glob("r????_*.py"))
    assert revisions[-1] == REVISION

"""The key log: its lines, and the file that they go to."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.capture import read_key_log
from entrenous.cli.keylog import with_key_log
from entrenous.errors import MalformedError, UsageError
from entrenous.trace import SILENT

OPENING, KEY = "ab" * 32, "cd" * 32


def test_a_line_of_each_kind_is_read_and_comments_and_unknown_kinds_are_passed_over() -> None:
    log = read_key_log(
        [
            "# a comment",
            "",
            f"ENTRENOUS_CLIENT {OPENING} {KEY}",
            f"ENTRENOUS_CERTIFICATE {OPENING} {KEY}",
            f"ENTRENOUS_FROM_THE_FUTURE {OPENING}",
            f"ENTRENOUS_EPOCH aa 7 1 8 {KEY} {KEY}",
        ]
    )
    channel = log.channels[bytes.fromhex(OPENING)]
    assert (channel.client, channel.server) == (bytes.fromhex(KEY), None)
    assert log.epochs[b"\xaa", 7][0].width == 8


@pytest.mark.parametrize(
    "line",
    [
        f"ENTRENOUS_CLIENT {OPENING}",
        f"ENTRENOUS_CLIENT {OPENING} {KEY} {KEY}",
        f"ENTRENOUS_SERVER {OPENING} {KEY[2:]}",
        f"ENTRENOUS_SERVER {OPENING} {'zz' * 32}",
        "ENTRENOUS_EPOCH aa seven 1 8 00 00",
        "ENTRENOUS_EPOCH aa 7 1 8 00",
    ],
)
def test_a_line_that_is_none_is_refused_by_its_number_and_not_repeated(line: str) -> None:
    with pytest.raises(MalformedError) as refused:
        read_key_log(["#", line])
    assert "line 2" in str(refused.value)
    assert KEY[:8] not in str(refused.value)


def test_a_file_without_a_key_is_no_key_log() -> None:
    with pytest.raises(MalformedError, match="no key"):
        read_key_log(["# nothing", "something else"])


@given(st.lists(st.text(max_size=80), max_size=4))
def test_whatever_lines_there_are_they_are_read_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(MalformedError):
        read_key_log([*lines, f"ENTRENOUS_EPOCH {' '.join(lines)}"])


def test_nothing_of_keys_prints() -> None:
    log = read_key_log([f"ENTRENOUS_CLIENT {OPENING} {KEY}", f"ENTRENOUS_EPOCH aa 7 1 8 {KEY} {KEY}"])
    assert str(bytes.fromhex(KEY))[2:-1] not in repr(log)


def test_the_file_is_for_its_owner_alone_and_lines_are_appended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys"
    for _ in range(2):
        trace = with_key_log(SILENT, path)
        trace.step("channel.split", opening=OPENING)
        trace.derived("k initiator", bytes.fromhex(KEY), "ck")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().splitlines()[1:] == [f"ENTRENOUS_CLIENT {OPENING} {KEY}"] * 2
    assert "WARNING" in capsys.readouterr().err


def test_a_file_that_others_can_read_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("before")
    path.chmod(0o640)
    with pytest.raises(UsageError, match="by others"):
        with_key_log(SILENT, path)
    assert path.read_text() == "before"


def test_a_link_and_a_directory_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("link", "."):
        with pytest.raises(UsageError):
            with_key_log(SILENT, tmp_path / name)
    assert not (tmp_path / "elsewhere").exists()


def test_without_a_file_nothing_is_written_and_nothing_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert with_key_log(SILENT, None) is SILENT
    assert capsys.readouterr().err == ""


def test_a_full_disk_ends_the_log_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = with_key_log(SILENT, tmp_path / "keys")

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for _ in range(2):
        trace.step("channel.split", opening=OPENING)
        trace.derived("k initiator", bytes.fromhex(KEY), "ck")

"""What a command refuses before it asks any server."""

import io
from pathlib import Path

import pytest

from entrenous.cli.join import _ask_name
from entrenous.cli.opened_client import running_client
from entrenous.cli.options import Common
from entrenous.cli.profile_store import opened
from entrenous.errors import RejectedError


async def test_a_profile_that_nobody_has_joined_with_is_no_client(tmp_path: Path) -> None:
    path = tmp_path / "profile"
    with pytest.raises(RejectedError) as refused, opened(path):
        pass
    assert refused.value.rule == "PROFILE-EMPTY"
    assert not path.exists()
    with opened(path, create=True):
        assert path.exists()
    with pytest.raises(RejectedError) as refused:
        async with running_client(Common(str(path), None, None)):
            pass
    assert refused.value.rule == "PROFILE-EMPTY"


def test_a_name_is_not_asked_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("alice\n"))
    with pytest.raises(RejectedError) as refused:
        _ask_name()
    assert refused.value.rule == "AUTH-NAME"

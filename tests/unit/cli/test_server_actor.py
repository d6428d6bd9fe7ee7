"""Who stands in the audit log: whom the operating system knows, whatever the environment says."""

import os
import sys

import pytest

from entrenous.cli.server.actor import actor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such users there")


def test_nobody_passes_for_another_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    known = actor()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody else")
    assert actor() == known
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    monkeypatch.setenv("SUDO_USER", "somebody else")
    assert actor() == "uid 54321"


def test_who_became_root_is_named_and_brings_no_lines_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "alice\n1  nobody did this")
    assert actor() == "root (sudo by alice\\n1  nobody did this)"

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrenous.client.profile import Profile, profile_directory
from entrenous.errors import RejectedError, UnavailableError, UsageError

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


def test_a_profile_is_a_directory_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    with Profile.open(tmp_path / "deep" / "alice") as profile:
        assert profile.directory.is_dir()
        assert profile.key_path.parent == profile.store_path.parent == profile.socket_path.parent == profile.directory
        if sys.platform != "win32":
            assert profile.directory.stat().st_mode & 0o777 == 0o700
            assert (profile.directory / "lock").stat().st_mode & 0o777 == 0o600


def test_a_second_holder_in_the_same_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with Profile.open(tmp_path / "alice"), pytest.raises(UnavailableError, match=f"in use by process {os.getpid()}"):
        Profile.open(tmp_path / "alice")
    Profile.open(tmp_path / "alice").close()


def test_another_process_is_refused_and_told_who_holds_it_until_the_first_lets_go(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from entrenous.client.profile import Profile; "
    script += "Profile.open(Path(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(tmp_path / "alice")]
    with Profile.open(tmp_path / "alice"):
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert f"in use by process {os.getpid()}" in refused.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    script = "import sys, os; from pathlib import Path; from entrenous.client.profile import Profile; "
    script += "p = Profile.open(Path(sys.argv[1])); os._exit(9)"
    command = [sys.executable, "-c", script, str(tmp_path / "alice")]
    assert subprocess.run(command, check=False).returncode == 9
    Profile.open(tmp_path / "alice").close()


@posix_only
@pytest.mark.parametrize("mode", [0o750, 0o705, 0o711])
def test_a_directory_that_others_may_enter_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(RejectedError, match="chmod 700") as caught:
        Profile.open(directory)
    assert caught.value.rule == "PROFILE-PERMISSIONS"
    directory.chmod(0o700)
    Profile.open(directory).close()


def test_a_file_where_the_directory_should_be_is_told_apart_from_a_held_profile(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(UnavailableError, match="cannot be opened"):
        Profile.open(tmp_path / "file")


def test_closing_twice_is_closing_once_and_a_closed_profile_cannot_be_entered(tmp_path: Path) -> None:
    profile = Profile.open(tmp_path / "alice")
    profile.close()
    profile.close()
    with pytest.raises(UsageError), profile:
        pass


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a b", "ä", "a" * 65, "a\n", "a\\b"])
def test_a_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    with pytest.raises(RejectedError) as caught:
        profile_directory(name)
    assert caught.value.rule == "PROFILE-NAME"


def test_profiles_of_different_names_live_beside_each_other() -> None:
    work, home = profile_directory("work"), profile_directory("home.2")
    assert work.parent == home.parent
    assert work.name == "work"
    assert profile_directory().name == "default"

"""A profile's lock, key and store, opened together for one command, in the order that keeps them safe."""

import contextlib
import getpass
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entrenous.cli.options import Common
from entrenous.cli.secrets_input import asked
from entrenous.errors import CryptoError, RejectedError, UnavailableError

if TYPE_CHECKING:
    from entrenous.client.environment import Environment
    from entrenous.client.profile import Profile
    from entrenous.client.store import Store


@dataclass(frozen=True, slots=True)
class OpenProfile:
    """A locked profile with its store open."""

    profile: "Profile"
    store: "Store"


def client_environment(options: Common) -> "Environment":
    """The machine's clock and randomness, and a Trace that logs, and into a key log if somebody asked for one.

    Raises:
        UsageError: the key log cannot be written, or others could read it.
    """
    from entrenous.cli.keylog import with_key_log
    from entrenous.cli.logs import log_trace
    from entrenous.client.environment import Environment
    from entrenous.crypto import system_entropy
    from entrenous.server.clock import SystemClock

    trace = with_key_log(log_trace("client"), options.keylog, with_epochs=options.keylog_epochs)
    return Environment(clock=SystemClock(), entropy=system_entropy, trace=trace)


@contextlib.contextmanager
def opened(
    path: Path, *, create: bool = False, lock_with: bytes | None = None, password: bytes | None = None
) -> Iterator[OpenProfile]:
    """Lock the profile in ``path`` and open its store; ask for its password if it has one.

    Args:
        path: the profile's directory.
        create: make the profile if there is none.
        lock_with: wraps a new store's key; None keeps it in a file that only its owner can read.
        password: of a locked profile, where it is known; None asks.

    Raises:
        RejectedError: there is no profile, others can read it, or it is locked and nobody can be asked.
        CryptoError: the password is wrong.
        UnavailableError: another process holds it, or its key file is gone.
    """
    from entrenous.client.keyfile import create_store_key, load_store_key, needs_password
    from entrenous.client.profile import Profile
    from entrenous.client.store import Store
    from entrenous.crypto import system_entropy

    _check_there(path, create=create)
    with Profile.open(path) as profile:
        if profile.key_path.exists():
            if needs_password(profile.key_path):
                password = password or ask_profile_password()
                try:
                    key = load_store_key(profile.key_path, password=password)
                except CryptoError:
                    raise CryptoError("the password of this profile is wrong, or its key file was changed") from None
            else:
                key = load_store_key(profile.key_path, password=None)
        else:
            key = create_store_key(profile.key_path, password=lock_with, entropy=system_entropy)
        with contextlib.closing(Store.open(profile.store_path, key)) as store:
            yield OpenProfile(profile, store)


def require_free(path: Path) -> None:
    """Refuse a profile that is somebody's already, before a person is asked anything.

    Raises:
        RejectedError: rule PROFILE-TAKEN.
    """
    from entrenous.client.accounts import require_empty

    if (path / "store.key").exists():
        with opened(path) as profile:
            require_empty(profile.store)


def ask_profile_password() -> bytes:
    """The password of a locked profile, from the person.

    Raises:
        RejectedError: rule PROFILE-PASSWORD, nobody is there to ask.
    """
    from entrenous.identity import password_bytes

    if not sys.stdin.isatty():
        raise RejectedError(
            "PROFILE-PASSWORD", "this profile is locked with a password, and there is no terminal to ask for it"
        )
    return password_bytes(asked("Password of this profile: ", getpass.getpass))


def _check_there(path: Path, *, create: bool) -> None:
    if path.exists() and not path.is_dir():
        raise UnavailableError(f"{path} is not a directory, so it is no profile", remedy="Choose another --profile.")
    if (path / "store.key").exists():
        return
    if (path / "store.db").exists():
        raise UnavailableError(
            f"the profile {path} has lost its key file store.key, without which its store cannot be read",
            remedy="Put it back from a backup, or choose another --profile.",
        )
    if not create:
        raise RejectedError("PROFILE-EMPTY", f"there is no profile in {path}; begin with: entrenous join LINK")

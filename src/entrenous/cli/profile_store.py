"""A profile's lock, key and store, opened together for one command, in the order that keeps them safe."""

import contextlib
import getpass
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entrenous.errors import RejectedError, UnavailableError

if TYPE_CHECKING:
    from entrenous.client.environment import Environment
    from entrenous.client.profile import Profile
    from entrenous.client.store import Store


@dataclass(frozen=True, slots=True)
class OpenProfile:
    """A locked profile with its store open."""

    profile: "Profile"
    store: "Store"


def client_environment() -> "Environment":
    """The machine's clock and randomness, and a Trace that logs."""
    from entrenous.cli.logs import LogTrace
    from entrenous.client.environment import Environment
    from entrenous.crypto import system_entropy
    from entrenous.server.clock import SystemClock

    return Environment(clock=SystemClock(), entropy=system_entropy, trace=LogTrace("client"))


@contextlib.contextmanager
def opened(path: Path, *, create: bool = False, lock_with: bytes | None = None) -> Iterator[OpenProfile]:
    """Lock the profile in ``path`` and open its store; ask for its password if it has one.

    Args:
        path: the profile's directory.
        create: make the profile if there is none.
        lock_with: wraps a new store's key; None keeps it in a file that only its owner can read.

    Raises:
        RejectedError: there is no profile, or others can read it.
        UnavailableError: another process holds it.
    """
    from entrenous.client.keyfile import create_store_key, load_store_key, needs_password
    from entrenous.client.profile import Profile
    from entrenous.client.store import Store
    from entrenous.crypto import system_entropy

    if not create and not (path / "store.key").exists():
        raise RejectedError("PROFILE-EMPTY", f"there is no profile in {path}; begin with: entrenous join LINK")
    with Profile.open(path) as profile:
        if profile.key_path.exists():
            password = ask_profile_password() if needs_password(profile.key_path) else None
            key = load_store_key(profile.key_path, password=password)
        else:
            key = create_store_key(profile.key_path, password=lock_with, entropy=system_entropy)
        with contextlib.closing(Store.open(profile.store_path, key)) as store:
            yield OpenProfile(profile, store)


def ask_profile_password() -> bytes:
    """The password of a locked profile, from the person.

    Raises:
        UnavailableError: nobody is there to ask.
    """
    from entrenous.identity import password_bytes

    if not sys.stdin.isatty():
        raise UnavailableError("this profile is locked with a password, and there is no terminal to ask for it")
    return password_bytes(getpass.getpass("Password of this profile: "))

"""What writes the run down: a Trace that keeps values, an Entropy that keeps draws, and comparisons that must hold."""

from collections.abc import Callable
from dataclasses import dataclass

from entrenous.crypto import Entropy, draw
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UsageError
from entrenous.explain.model import Attempt
from entrenous.trace import Field


@dataclass(frozen=True, slots=True)
class Derived:
    """A secret that came to be, as the Trace was told of it."""

    name: str
    secret: bytes
    inputs: tuple[str, ...]


class Recorder:
    """A Trace that keeps everything. For a run whose keys protect nothing."""

    def __init__(self) -> None:
        self.secrets: list[Derived] = []
        self.told: list[tuple[str, dict[str, Field]]] = []

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Keep a derivation."""
        self.secrets.append(Derived(name, bytes(secret), inputs))

    def step(self, name: str, **fields: Field) -> None:
        """Keep a step."""
        self.told.append((name, fields))

    def last(self, name: str) -> bytes:
        """The newest secret of a name.

        Raises:
            UsageError: none was derived.
        """
        return self.all(name)[-1]

    def all(self, name: str) -> list[bytes]:
        """Every secret of a name, oldest first.

        Raises:
            UsageError: none was derived.
        """
        found = [derived.secret for derived in self.secrets if derived.name == name]
        if not found:
            raise UsageError(f"the run derived no {name}")
        return found

    def after(self, source: str, name: str) -> bytes:
        """The newest secret of a name that ``source`` went into.

        Raises:
            UsageError: there is none.
        """
        for derived in reversed(self.secrets):
            if derived.name == name and source in derived.inputs:
                return derived.secret
        raise UsageError(f"the run derived no {name} from {source}")

    def last_step(self, name: str) -> dict[str, Field]:
        """The fields of the newest step of a name.

        Raises:
            UsageError: there was none.
        """
        for step, fields in reversed(self.told):
            if step == name:
                return fields
        raise UsageError(f"the run had no step {name}")


class Draws:
    """An Entropy that remembers what it gave: the private halves of what was made with it."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self.values: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        self.values.append(draw(self._entropy, size))
        return self.values[-1]


def agree(what: str, *values: object) -> str:
    """Compare what must be equal; returns the sentence that says so.

    Raises:
        UsageError: the values differ: the run, or the product, is wrong, and nothing may be explained with it.
    """
    if any(value != values[0] for value in values[1:]):
        raise UsageError(f"not equal in this run: {what}")
    return what


def attempt(what: str, refused_by: str, act: Callable[[], object]) -> Attempt:
    """Make an attack that has to fail; returns how it did.

    Raises:
        UsageError: it succeeded.
    """
    try:
        act()
    except UsageError:
        raise
    except (CryptoError, MalformedError, RejectedError) as error:
        return Attempt(what, refused_by, describe(error))
    raise UsageError(f"this attack succeeded: {what}")


def describe(error: EntrenousError) -> str:
    """An error as a log would show it."""
    return f"{type(error).__name__}: {error}"


def flipped(data: bytes, place: int) -> bytes:
    """The same bytes with one bit turned over: the lowest of the byte at ``place``, which may count from the end."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)

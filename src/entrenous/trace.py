"""The seam through which the silent layers tell what they derived and did.

``crypto``, ``noise``, ``opaque``, ``mls`` and ``channel`` do no I/O and log nothing. They take an optional
``Trace``; the composition root joins it to a debug log (which shows fingerprints only) or to a key log.
"""

import hashlib
from typing import Protocol

Field = str | int | bool | None


class Trace(Protocol):
    """Receives derivations and steps. Implementations must not raise and must not keep a caller waiting."""

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Tell that a secret came to be.

        Args:
            name: the standard's name of the secret, e.g. "epoch_secret" or "ck".
            secret: its value. A debug log prints ``fingerprint(secret)``, never this.
            inputs: the names of what it was derived from.
        """

    def step(self, name: str, **fields: Field) -> None:
        """Tell that something happened, e.g. ``step("noise.token", token="ee", direction="read")``.

        Fields are public facts: names, sizes, counters, fingerprints. Never a secret, never a plaintext.
        """


class Silent:
    """The Trace that nobody listens to."""

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Drop it."""

    def step(self, name: str, **fields: Field) -> None:
        """Drop it."""


#: The default everywhere a Trace is taken.
SILENT: Trace = Silent()


def fingerprint(value: bytes) -> str:
    """Eight hexadecimal digits that tell two values apart and say nothing else about a key.

    Only for keys and public values of high entropy: a fingerprint of a password could be guessed.
    """
    return hashlib.sha256(b"entrenous trace fingerprint\x00" + value).hexdigest()[:8]

"""Every secret that a program derives, collected through the seam, and the forms in which it could leak."""

import base64

from entrenous.capture import KeyLogTrace
from entrenous.trace import SILENT, Field, Trace

#: Bytes of a secret that no accident repeats.
LONG_ENOUGH = 16


class Everything:
    """A Trace that keeps every secret, writes a key log, and tells another one."""

    def __init__(self, following: Trace = SILENT) -> None:
        self.secrets: dict[bytes, str] = {}
        self.lines: list[str] = []
        self._all = (KeyLogTrace(self.lines.append, with_epochs=True), following)

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Keep it, by its name, and pass it on."""
        if len(secret) >= LONG_ENOUGH:
            self.secrets[secret] = name
        for trace in self._all:
            trace.derived(name, secret, *inputs)

    def step(self, name: str, **fields: Field) -> None:
        """Pass it on."""
        for trace in self._all:
            trace.step(name, **fields)


def forms(secret: bytes) -> tuple[bytes, ...]:
    """What a careless program would write."""
    return (secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret).rstrip(b"="))

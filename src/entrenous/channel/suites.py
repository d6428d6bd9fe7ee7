"""The channel's two suites (protocol §1): one byte on the wire, one Noise protocol name each."""

from dataclasses import dataclass

from entrenous.errors import RejectedError, UsageError
from entrenous.noise import NoiseProtocol, parse_protocol_name


@dataclass(frozen=True, slots=True)
class Suite:
    """One way to run the channel's handshake.

    Attributes:
        number: the suite's byte in the preface and in certificates.
        label: what people type and read, e.g. "classic".
        noise: the Noise protocol.
        quantum_safe: whether a recorded transcript stays closed to a future quantum computer.
    """

    number: int
    label: str
    noise: NoiseProtocol
    quantum_safe: bool

    @property
    def first_message_size(self) -> int:
        """Bytes of handshake message 1, which has no payload: e, and with a KEM e1, both in clear."""
        kem = self.noise.kem
        return self.noise.dh.length + (kem.public_size if kem else 0)


HYBRID = Suite(1, "hybrid", parse_protocol_name("Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256"), quantum_safe=True)
CLASSIC = Suite(2, "classic", parse_protocol_name("Noise_NX_FFDHE2048_AESGCM_SHA256"), quantum_safe=False)

#: Every suite, by number. The client names one; the server takes it or closes.
SUITES = {suite.number: suite for suite in (HYBRID, CLASSIC)}


def suite_by_label(label: str) -> Suite:
    """The suite that a person calls ``label``.

    Raises:
        UsageError: there is none of that name.
    """
    for suite in SUITES.values():
        if suite.label == label:
            return suite
    raise UsageError(f"no suite is called {label!r}; there are {', '.join(s.label for s in SUITES.values())}")


def suite_by_number(number: int) -> Suite:
    """The suite that a peer names.

    Raises:
        RejectedError: rule CHAN-SUITE, there is none of that number.
    """
    suite = SUITES.get(number)
    if suite is None:
        raise RejectedError("CHAN-SUITE", f"there is no suite {number}")
    return suite

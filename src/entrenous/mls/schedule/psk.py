"""Pre-shared keys in the key schedule (RFC 9420 §8.4)."""

from collections.abc import Sequence

from entrenous.errors import UsageError
from entrenous.mls.schedule.secrets import PskSecret
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import PreSharedKeyID, PSKLabel
from entrenous.trace import SILENT, Trace

#: PSKLabel counts in 16 bits.
MAX_PSKS = 0xFFFF


def no_psk(suite: CipherSuite) -> PskSecret:
    """The psk_secret of a Commit without a PreSharedKey proposal."""
    return PskSecret(suite.zero_secret)


def derive_psk_secret(
    suite: CipherSuite, psks: Sequence[tuple[PreSharedKeyID, bytes]], *, trace: Trace = SILENT
) -> PskSecret:
    """Chain pre-shared keys into one secret.

    Args:
        suite: the suite of the group that they enter.
        psks: each key's name and value, in the order of the Commit or of the GroupSecrets.
        trace: told of the result.

    Raises:
        UsageError: there are more than 65,535.
    """
    if len(psks) > MAX_PSKS:
        raise UsageError(f"{len(psks)} pre-shared keys, at most {MAX_PSKS} can be counted")
    secret = suite.zero_secret
    for index, (name, value) in enumerate(psks):
        label = PSKLabel(name, index, len(psks)).encode()
        extracted = suite.extract(suite.zero_secret, value)
        entry = suite.expand_with_label(extracted, "derived psk", label, suite.secret_size)
        secret = suite.extract(entry, secret)
    trace.derived("psk_secret", secret, *(f"psk[{index}]" for index in range(len(psks))))
    return PskSecret(secret)

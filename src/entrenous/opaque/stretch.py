"""The key-stretching function of our configuration: Argon2id with parameters that are stored beside each record.

RFC 9807 §7 recommends Argon2id with a salt of zeros: its input, the OPRF's output, is salted by the server's key.
"""

from entrenous.crypto import FLOOR, Argon2Parameters, argon2id, check
from entrenous.opaque.envelope import KeyStretching

#: Zeros, RFC 9807 §7.
SALT = bytes(16)
#: Bytes of output, as many as of input.
LENGTH = 64


def argon2id_stretching(parameters: Argon2Parameters, floor: Argon2Parameters = FLOOR) -> KeyStretching:
    """Argon2id under ``parameters``, for the ``ksf`` argument of the client's steps. Slow: keep it off an event loop.

    Args:
        parameters: at registration our own, at login what the server says this record was made with.
        floor: the least to accept; lower in tests alone, which stretch passwords by the hundred.

    Raises:
        RejectedError: rule AUTH-KSF-FLOOR (a hostile server would make guessing cheap) or AUTH-KSF-CEILING.
    """
    check(parameters, floor)
    return lambda output: argon2id(output, SALT, parameters, LENGTH)

"""How much the size of a message tells: its bucket, and nothing finer."""

from entrenous.errors import UsageError

#: The smallest bucket; most chat messages are in it.
SMALLEST = 256
#: Up to here buckets double; above, doubling would waste megabytes on a large Commit.
LAST_DOUBLE = 4096


def padded_size(size: int) -> int:
    """The bucket of a plaintext of ``size`` bytes: what MLS framing pads it to.

    Up to 4 KiB the next power of two, at least 256. Above, the next size with few significant bits (Padmé: Nikitin
    et al., "Reducing metadata leakage from encrypted files and communication with PURBs", 2019, §4), at most a
    sixteenth more.

    Raises:
        UsageError: ``size`` is negative.
    """
    if size < 0:
        raise UsageError("no plaintext has a negative size")
    if size <= LAST_DOUBLE:
        return max(SMALLEST, 1 << (size - 1).bit_length()) if size else SMALLEST
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-size // step) * step

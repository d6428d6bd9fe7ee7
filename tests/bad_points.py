"""Public keys that nobody honest sends, in one home for the tests of all layers, and somebody who sends them.

Whoever sends a point of low order knows the shared secret that comes out of it. So these tests do not hope that a wrong
key fails somewhere: the sender goes on with the right secret, and only the check of the point stops him.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from entrenous.crypto import DH, DHKeyPair, DHPrivateKey, Entropy
from entrenous.crypto.ffdhe import GENERATOR, LENGTH, PRIME

P25519 = 2**255 - 19
P448 = 2**448 - 2**224 - 1

#: Every u below 2^255 of a point of low order on Curve25519 and its twist, canonical or not (cr.yp.to/ecdh.html).
LOW_ORDER_U = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P25519 - 1,
    P25519,
    P25519 + 1,
)
#: The same as X25519 reads them: it ignores the highest bit (RFC 7748 §5), so each has two encodings.
LOW_ORDER_X25519 = tuple((u | high).to_bytes(32, "little") for u in LOW_ORDER_U for high in (0, 1 << 255))
#: Of low order for X448.
LOW_ORDER_X448 = tuple(u.to_bytes(56, "little") for u in (0, 1, P448 - 1, P448, P448 + 1))

#: y of the points of order 8 on edwards25519; the others' are 0, 1 and -1.
_ORDER_8 = 55188659117513257062467267217118295137698188065244968500265048394206261417927
#: Ed25519 public keys of low order: every y below 2^255 of such a point, canonical or not, with either sign.
LOW_ORDER_ED25519 = tuple(
    (y | sign).to_bytes(32, "little")
    for y in (0, 1, _ORDER_8, P25519 - _ORDER_8, P25519 - 1, P25519, P25519 + 1)
    for sign in (0, 1 << 255)
)

#: Encodings of the neutral element, and the signature (R neutral, S zero) that a verifier who does not look at the
#: key's order takes for its signature over every message.
NEUTRAL_ED25519 = tuple((y | sign).to_bytes(32, "little") for y in (1, P25519 + 1) for sign in (0, 1 << 255))
UNIVERSAL_FORGERY = (1).to_bytes(32, "little") + bytes(32)

#: Public values that FFDHE2048 takes from nobody, each with the secrets that its sender has to choose from: outside of
#: [2, p - 2], not reduced, and negatives of residues, which are no residues since p is 3 modulo 4.
_FFDHE: dict[int, Callable[[int], tuple[int, ...]]] = {
    0: lambda theirs: (0,),
    1: lambda theirs: (1,),
    PRIME - 1: lambda theirs: (1, PRIME - 1),
    PRIME: lambda theirs: (0,),
    PRIME + 1: lambda theirs: (1,),
    PRIME + GENERATOR: lambda theirs: (theirs,),
    PRIME - GENERATOR: lambda theirs: (theirs, PRIME - theirs),
    PRIME - GENERATOR**2: lambda theirs: (pow(theirs, 2, PRIME), PRIME - pow(theirs, 2, PRIME)),
}
BAD_FFDHE = tuple(y.to_bytes(LENGTH, "big") for y in _FFDHE)

#: ML-KEM's q, the bits of a coefficient in an encoded key, and coefficients of an ML-KEM-768 key (FIPS 203 §4.2.1, §8).
MLKEM_Q = 3329
_COEFFICIENT_BITS = 12
MLKEM768_COEFFICIENTS = 768


def bad_points(dh: DH) -> tuple[bytes, ...]:
    """What this function must refuse."""
    return BAD_FFDHE if dh.length == LENGTH else LOW_ORDER_X25519


def known_secrets(dh: DH, point: bytes, theirs: bytes) -> tuple[bytes, ...]:
    """What may come out of an exchange with ``point`` that nobody checks, for a peer whose public key is ``theirs``."""
    if dh.length != LENGTH:
        return (bytes(dh.length),)
    secrets = _FFDHE[int.from_bytes(point, "big")](int.from_bytes(theirs, "big"))
    return tuple(secret.to_bytes(LENGTH, "big") for secret in secrets)


class KnowingDH:
    """The function of somebody who sends ``point`` and goes on with the ``guess``-th of the secrets it can lead to.

    Args:
        honest: the function that the other side uses.
        point: what he sends.
        guess: which of ``known_secrets`` he takes.
        ephemeral: whether the point is his ephemeral key; else it is his static one.
    """

    def __init__(self, honest: DH, point: bytes, guess: int, *, ephemeral: bool) -> None:
        self.name, self.length = honest.name, honest.length
        self.bad_pair = DHKeyPair(DHPrivateKey(b"\x99" * 32), point)
        self._honest, self._guess, self._ephemeral = honest, guess, ephemeral

    def generate(self, entropy: Entropy) -> DHKeyPair:
        """His ephemeral key."""
        return self.bad_pair if self._ephemeral else self._honest.generate(entropy)

    def static(self, entropy: Entropy) -> DHKeyPair:
        """His static key."""
        return self._honest.generate(entropy) if self._ephemeral else self.bad_pair

    def public(self, private: DHPrivateKey | bytes) -> bytes:
        """As the honest function says."""
        return self._honest.public(private)

    def exchange(self, private: DHPrivateKey, public: bytes) -> bytes:
        """The guess for the point; for another key the honest result."""
        if private is not self.bad_pair.private:
            return self._honest.exchange(private, public)
        return known_secrets(self._honest, self.bad_pair.public, public)[self._guess]


def knowing(dh: DH) -> Iterator[KnowingDH]:
    """Everybody who sends a bad point and knows, or guesses right, what comes of it: at each of the two places."""
    for point in bad_points(dh):
        for guess in range(len(known_secrets(dh, point, point))):
            for ephemeral in (True, False):
                yield KnowingDH(dh, point, guess, ephemeral=ephemeral)


def forgery_under(point: bytes, start: bytes = b"") -> tuple[bytes, bytes]:
    """A message, and a signature of nobody that a verifier who does not look at the key's order takes for it.

    Args:
        point: the key, of low order.
        start: what the message begins with.
    """
    lax = Ed25519PublicKey.from_public_bytes(point)
    for number in itertools.count():
        message = start + b"message %d" % number
        for r in LOW_ORDER_ED25519:
            try:
                lax.verify(r + bytes(32), message)
            except InvalidSignature:
                continue
            return message, r + bytes(32)
    raise AssertionError


def with_coefficient(public: bytes, place: int, value: int) -> bytes:
    """An ML-KEM encapsulation key with another coefficient at ``place``, reduced or not."""
    number, shift = int.from_bytes(public, "little"), place * _COEFFICIENT_BITS
    mask = ((1 << _COEFFICIENT_BITS) - 1) << shift
    return (number & ~mask | value << shift).to_bytes(len(public), "little")


def unreduced_keys(public: bytes, places: Iterable[int] = range(MLKEM768_COEFFICIENTS)) -> Iterator[bytes]:
    """The key with one coefficient that is not reduced, at each of these places: the least such value, the greatest."""
    for place in places:
        for value in (MLKEM_Q, (1 << _COEFFICIENT_BITS) - 1):
            yield with_coefficient(public, place, value)

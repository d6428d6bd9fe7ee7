"""The points of low order of X25519 and X448: an exchange with one gives zero, whatever the private key (RFC 7748 §6).

Every exchange refuses them by its result. A key that others will have to encrypt to is refused by its bytes already,
where it comes in, without an exchange. Ed25519 has the like: under such a key one signature fits many messages.
"""

_P25519 = 2**255 - 19
_P448 = 2**448 - 2**224 - 1

#: For the size of a public key in bytes: how many of its bits count, and every u below that, canonical or not, of a
#: point of order 1, 2, 4 or 8 on the curve or its twist.
_LOW_ORDER = {
    32: (
        255,
        frozenset(
            (
                0,
                1,
                325606250916557431795983626356110631294008115727848805560023387167927233504,
                39382357235489614581723060781553021112529911719440698176882885853963445705823,
                _P25519 - 1,
                _P25519,
                _P25519 + 1,
            )
        ),
    ),
    56: (448, frozenset((0, 1, _P448 - 1, _P448, _P448 + 1))),
}

#: y of the points of order 8 on edwards25519; those of the points of smaller order are 0, 1 and -1.
_ORDER_8 = 55188659117513257062467267217118295137698188065244968500265048394206261417927
_LOW_ORDER_ED25519 = frozenset((0, 1, _P25519 - 1, _ORDER_8, _P25519 - _ORDER_8))


def is_weak_ed25519(public: bytes) -> bool:
    """Whether ``public``, an encoded Ed25519 key (32 bytes), is of low order, or not in its one form."""
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    # RFC 8032 §5.1.3: "If the resulting value is >= p, decoding fails."
    return y >= _P25519 or y in _LOW_ORDER_ED25519


def is_low_order(public: bytes) -> bool:
    """Whether ``public``, an encoded key of X25519 (32 bytes) or X448 (56 bytes), stands for a point of low order."""
    bits, points = _LOW_ORDER[len(public)]
    # RFC 7748 §5: the unused bits of the last byte are ignored.
    return int.from_bytes(public, "little") & ((1 << bits) - 1) in points

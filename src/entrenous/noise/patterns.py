"""Handshake patterns: the table of Noise rev 34 §7 and the modifiers that change them (§9.4, hfs §5)."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from entrenous.errors import UsageError


class Token(StrEnum):
    """One step of a handshake message (§5.3, §9.2, hfs §4)."""

    E = "e"
    S = "s"
    EE = "ee"
    ES = "es"
    SE = "se"
    SS = "ss"
    PSK = "psk"
    E1 = "e1"
    EKEM1 = "ekem1"


#: For each DH token: the initiator's key and the responder's (§7.1).
DH_KEYS = {
    Token.EE: (Token.E, Token.E),
    Token.ES: (Token.E, Token.S),
    Token.SE: (Token.S, Token.E),
    Token.SS: (Token.S, Token.S),
}

Tokens = tuple[Token, ...]

# Name, keys known beforehand (of the initiator, of the responder), then the messages in turn, the initiator's first.
_TABLE = """
N    .  s   e es                                 (§7.4, one way)
K    s  s   e es ss
X    .  s   e es s ss
NN   .  .   e / e ee                             (§7.5, fundamental interactive)
KN   s  .   e / e ee se
NK   .  s   e es / e ee
KK   s  s   e es ss / e ee se
NX   .  .   e / e ee s es
KX   s  .   e / e ee se s es
XN   .  .   e / e ee / s se
IN   .  .   e s / e ee se
XK   .  s   e es / e ee / s se
IK   .  s   e es s ss / e ee se
XX   .  .   e / e ee s es / s se
IX   .  .   e s / e ee se s es
NK1  .  s   e / e ee es                          (§7.6, deferred)
NX1  .  .   e / e ee s / es
X1N  .  .   e / e ee / s / se
X1K  .  s   e es / e ee / s / se
XK1  .  s   e / e ee es / s se
X1K1 .  s   e / e ee es / s / se
X1X  .  .   e / e ee s es / s / se
XX1  .  .   e / e ee s / es s se
X1X1 .  .   e / e ee s / es s / se
K1N  s  .   e / e ee / se
K1K  s  s   e es / e ee / se
KK1  s  s   e / e ee se es
K1K1 s  s   e / e ee es / se
K1X  s  .   e / e ee s es / se
KX1  s  .   e / e ee se s / es
K1X1 s  .   e / e ee s / se es
I1N  .  .   e s / e ee / se
I1K  .  s   e es s / e ee / se
IK1  .  s   e s / e ee se es
I1K1 .  s   e s / e ee es / se
I1X  .  .   e s / e ee s es / se
IX1  .  .   e s / e ee se s / es
I1X1 .  .   e s / e ee s / se es
"""


@dataclass(frozen=True, slots=True)
class HandshakePattern:
    """Who sends what, in which order.

    Attributes:
        name: with its modifiers, e.g. "NXhfs".
        initiator_known: whether the responder knows the initiator's static key beforehand.
        responder_known: whether the initiator knows the responder's.
        messages: the tokens of each message; the initiator sends the first, then they alternate.
        psk_count: how many pre-shared keys it takes.
        uses_kem: whether it needs a KEM.
    """

    name: str
    initiator_known: bool
    responder_known: bool
    messages: tuple[Tokens, ...]
    # Counted once: each handshake asks.
    psk_count: int = field(init=False)
    uses_kem: bool = field(init=False)
    _with_static: tuple[bool, bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "psk_count", sum(tokens.count(Token.PSK) for tokens in self.messages))
        object.__setattr__(self, "uses_kem", any(Token.E1 in tokens for tokens in self.messages))
        known = (self.responder_known, self.initiator_known)
        transmitted = (any(Token.S in tokens for tokens in self.messages[first::2]) for first in (1, 0))
        with_static = tuple(either or other for either, other in zip(known, transmitted, strict=True))
        object.__setattr__(self, "_with_static", with_static)

    @property
    def one_way(self) -> bool:
        """Whether only the initiator ever sends (§7.4)."""
        return len(self.messages) == 1

    def needs_static(self, *, initiator: bool) -> bool:
        """Whether that party takes part with a static key of its own."""
        return self._with_static[initiator]

    def knows_remote(self, *, initiator: bool) -> bool:
        """Whether that party must know the other's static key beforehand."""
        return self.responder_known if initiator else self.initiator_known


def _parse_table(table: str) -> dict[str, HandshakePattern]:
    patterns = {}
    for line in table.strip().splitlines():
        name, initiator, responder, messages = line.partition("(")[0].split(maxsplit=3)
        tokens = tuple(tuple(Token(word) for word in message.split()) for message in messages.split("/"))
        patterns[name] = HandshakePattern(name, initiator == "s", responder == "s", tokens)
    return patterns


#: Every pattern without modifiers, by name.
PATTERNS = _parse_table(_TABLE)


def parse_pattern(name: str) -> HandshakePattern:
    """The pattern that a name with modifiers stands for, e.g. "XX", "NXhfs", "NNpsk0+psk2" (§8.1).

    Raises:
        UsageError: no such pattern, or a modifier that does not fit it.
    """
    found = re.fullmatch(r"([A-Z][A-Z0-9]*)([a-z0-9+]*)", name)
    pattern = PATTERNS.get(found[1]) if found else None
    if found is None or pattern is None:
        raise UsageError(f"{name!r} is not a Noise pattern")
    for modifier in found[2].split("+") if found[2] else ():
        pattern = _modify(pattern, modifier)
    return replace(pattern, name=name)


def _modify(pattern: HandshakePattern, modifier: str) -> HandshakePattern:
    if modifier == "hfs" and not pattern.uses_kem:
        return _with_kem(pattern)
    psk = re.fullmatch(r"psk(\d)", modifier)
    if psk and int(psk[1]) <= len(pattern.messages):
        return _with_psk(pattern, int(psk[1]))
    raise UsageError(f"{modifier!r} does not modify {pattern.name!r}")


def _with_psk(pattern: HandshakePattern, place: int) -> HandshakePattern:
    """§9.4: psk0 opens the first message, psk1 ends the first, psk2 the second, and so on."""
    messages = list(pattern.messages)
    if place == 0:
        messages[0] = (Token.PSK, *messages[0])
    else:
        messages[place - 1] = (*messages[place - 1], Token.PSK)
    return replace(pattern, messages=tuple(messages))


def _with_kem(pattern: HandshakePattern) -> HandshakePattern:
    """Hfs §5: e1 follows the first e, or the first DH of that message so that it is encrypted; ekem1 the first ee.

    The document's table puts e1 before the DH in KK alone, against its own sentence; we follow the sentence.
    """
    if pattern.one_way:
        raise UsageError(f"{pattern.name!r} has no answer to carry a KEM ciphertext")
    first, *rest = pattern.messages
    anchor = next((token for token in first if token in DH_KEYS), Token.E)
    answer = next(index for index, tokens in enumerate(rest) if Token.EE in tokens)
    rest[answer] = _insert_after(rest[answer], Token.EE, Token.EKEM1)
    return replace(pattern, messages=(_insert_after(first, anchor, Token.E1), *rest))


def _insert_after(tokens: Tokens, anchor: Token, new: Token) -> Tokens:
    place = tokens.index(anchor) + 1
    return (*tokens[:place], new, *tokens[place:])

"""The word list behind recovery codes and suggested passwords: 2,048 words, told apart by their first four letters."""

from functools import cache
from importlib import resources

from entrenous.crypto import Entropy, draw

#: Words in the list; each stands for ``WORD_BITS`` bits.
WORD_BITS = 11
WORD_COUNT = 1 << WORD_BITS
#: Letters that tell any two words apart.
PREFIX = 4


@cache
def words() -> tuple[str, ...]:
    """The list, in alphabetical order."""
    text = resources.files("entrenous.identity").joinpath("words.txt").read_text(encoding="ascii")
    return tuple(text.split())


@cache
def word_numbers() -> dict[str, int]:
    """Where each word stands in the list, also by its first four letters alone."""
    numbers = {word[:PREFIX]: number for number, word in enumerate(words())}
    return numbers | {word: number for number, word in enumerate(words())}


def random_words(count: int, entropy: Entropy) -> list[str]:
    """``count`` words, each with 11 bits of ``entropy``."""
    raw = draw(entropy, 2 * count)
    numbers = (int.from_bytes(raw[at : at + 2], "big") % WORD_COUNT for at in range(0, len(raw), 2))
    return [words()[number] for number in numbers]

"""Elements of HTML and SVG as strings, with everything in them escaped once."""

import html
import re

#: What a standard or our specification calls a value, where it stands in a sentence.
_NAMES = re.compile(
    r"(?<![\w'’/.-])(e|e1|ee|es|s|ck|k|h|ekem1|KE[123]|Km[23]|[a-z]+(?:_[a-z]+)+(?:\[\d\])?)(?![\w'’/-])"
)


class Markup(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | float) -> Markup:
    """An element. A child that is no Markup is text and is escaped; of attributes' names, ``_`` becomes ``-``.

    ``class_`` and ``for_`` stand for attributes whose names are words of Python.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"' for key, value in attributes.items()
    )
    inside = join(*children)
    return Markup(f"<{name}{told}>{inside}</{name}>")


def prose(text: str) -> Markup:
    """Sentences, with the names of values set apart from the words around them."""
    pieces = _NAMES.split(text)
    return join(*(element("code", piece) if place % 2 else piece for place, piece in enumerate(pieces)))


def void(name: str, /, **attributes: str | float) -> Markup:
    """An element without content, written so that it is good HTML and good XML."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{told} />")


def join(*children: str) -> Markup:
    """Children next to each other, each escaped if it is text."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


def escape(text: str) -> str:
    """Text as it stands in an element or in an attribute's quotes."""
    return html.escape(text, quote=True)


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}" if abs(value) < 1e6 else str(value)

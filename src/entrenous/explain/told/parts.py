"""Short ways to write down values, sources and pages."""

from entrenous.explain.model import Knower, Page, Source, Value

#: Hexadecimal digits that tell one value from another in a picture.
_SHORT = 8


def alone(name: str, data: bytes | str, note: str = "") -> Value:
    """Known to one client, and to nobody else."""
    return Value(name, data, (Knower.CLIENT,), note)


def both(name: str, data: bytes | str, note: str = "") -> Value:
    """Known to the client and the server, and to nobody between them."""
    return Value(name, data, (Knower.CLIENT, Knower.SERVER), note)


def servers(name: str, data: bytes | str, note: str = "") -> Value:
    """Known to the server."""
    return Value(name, data, (Knower.SERVER,), note)


def some(name: str, data: bytes | str, note: str = "") -> Value:
    """Known to part of the members."""
    return Value(name, data, (Knower.SOME,), note)


def members(name: str, data: bytes | str, note: str = "") -> Value:
    """Known to every member of the epoch."""
    return Value(name, data, (Knower.MEMBERS,), note)


def stored(name: str, data: bytes | str, note: str = "") -> Value:
    """Known to the members and to the server, which carries it."""
    return Value(name, data, (Knower.SERVER, Knower.MEMBERS), note)


def public(name: str, data: bytes | str, note: str = "") -> Value:
    """Seen by everybody on the network."""
    return Value(name, data, (Knower.NETWORK,), note)


def mls(*sections: str) -> tuple[Source, ...]:
    """Sections of RFC 9420."""
    return (_source("RFC 9420", sections),)


def noise(*sections: str) -> tuple[Source, ...]:
    """Sections of the Noise Protocol Framework."""
    return (_source("Noise Protocol Framework, revision 34", sections),)


def opaque(*sections: str) -> tuple[Source, ...]:
    """Sections of RFC 9807."""
    return (_source("RFC 9807", sections),)


def _source(standard: str, sections: tuple[str, ...]) -> Source:
    return Source(standard, f"section{'s' * (len(sections) > 1)} {', '.join(sections)}")


def page(file: str, *anchors: str) -> tuple[Page, ...]:
    """Headings of one page of docs/spec."""
    return tuple(Page(f"{file}.md", anchor) for anchor in anchors)


def short(data: bytes) -> str:
    """The first digits of a value, for a picture."""
    return data.hex()[:_SHORT]

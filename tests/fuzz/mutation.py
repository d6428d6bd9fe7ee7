"""Changes to an input that keep it well-formed: one field, one element, one alternative at a time.

A flipped byte in a struct mostly breaks a length in front of it, and the parser says no at the door. These changes
decode the input, replace something inside it and encode it again, so that the rules behind the parsers are reached.
"""

import dataclasses
import enum
import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from entrenous.codec import decode_as, encode_as
from fuzz.target import MESSAGE_PACK, PLAIN, Shape

#: Where integers of any width have their edges.
_EDGES = [0, 1, 2, 63, 64, 127, 128, 255, 256, 16383, 16384, 65535, 65536, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
#: The longest run of bytes or elements that one change may make.
_MANY = 300

#: From the root of a value to a place inside it: names of fields and numbers of elements.
Path = tuple[str | int, ...]


def mutate(shape: Shape, data: bytes, seed: int) -> bytes | None:
    """A well-formed relative of ``data``; None if it is not well-formed itself, or the change has no encoding."""
    head, rest = data[: shape.head], data[shape.head :]
    if shape.kind is PLAIN:
        return None
    chance = random.Random(seed)
    try:
        value = _decode(shape.kind, rest)
        for _ in range(chance.randint(1, 3)):
            value = _change_somewhere(value, chance)
        return head + _encode(shape.kind, value)
    except Exception:  # noqa: BLE001 a value of another type than its place wants has no encoding, however it shows
        return None


def _decode(kind: Any, data: bytes) -> Any:
    return msgspec.msgpack.decode(data) if kind is MESSAGE_PACK else decode_as(kind, data)


def _encode(kind: Any, value: Any) -> bytes:
    return msgspec.msgpack.encode(value) if kind is MESSAGE_PACK else encode_as(kind, value)


def _change_somewhere(value: Any, chance: random.Random) -> Any:
    places = list(_places(value, ()))
    path, old = chance.choice(places)
    # Something else of its own kind, from elsewhere in the same input, is worth more than noise.
    donors = [other for _, other in places if type(other) is type(old) and other != old]
    if donors and chance.random() < 0.3:
        return _with(value, path, chance.choice(donors))
    return _with(value, path, _other(old, chance, [other for _, other in places]))


def _places(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _places(getattr(value, field.name), (*path, field.name))
    elif _is_sequence(value):
        for index, element in enumerate(value):
            yield from _places(element, (*path, index))


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, tuple) and not hasattr(value, "_fields"))


def _with(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        return dataclasses.replace(value, **{step: _with(getattr(value, step), rest, new)})
    elements = list(value)
    elements[step] = _with(elements[step], rest, new)
    return type(value)(elements)


def _other(old: Any, chance: random.Random, others: list[Any]) -> Any:
    """Another value where ``old`` stood; often of the same type."""
    if old is None:
        return chance.choice(others)
    if chance.random() < 0.05:
        return None
    for kind, change in _CHANGES.items():
        if isinstance(old, kind):
            return change(old, chance)
    if _is_sequence(old):
        return type(old)(_changed_elements(list(old), chance))
    return chance.choice(others)


def _changed_bytes(old: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(old))
    match chance.randint(0, 4):
        case 0 if old:
            place %= len(old)
            return old[:place] + bytes([old[place] ^ 1 << chance.randint(0, 7)]) + old[place + 1 :]
        case 1:
            return old[:place]
        case 2:
            return old[:place] + chance.randbytes(chance.choice([1, 2, 16, _MANY])) + old[place:]
        case 3:
            return bytes(len(old))
    return chance.randbytes(len(old))


def _changed_text(old: str, chance: random.Random) -> str:
    place = chance.randint(0, len(old))
    added = chance.choice(["", "\0", "ß", "İ", "\u202e", "e\u0301", "\U0001f600", "a" * _MANY])
    return old[:place] + added + old[place + chance.randint(0, 2) :]


def _changed_enum(old: enum.Enum, chance: random.Random) -> enum.Enum:
    return chance.choice(list(type(old)))


def _changed_int(old: int, chance: random.Random) -> int:
    return chance.choice([old + 1, max(0, old - 1), old ^ 1 << chance.randint(0, 31), chance.choice(_EDGES)])


def _changed_elements(elements: list[Any], chance: random.Random) -> list[Any]:
    if not elements:
        return elements
    one, two = chance.randrange(len(elements)), chance.randrange(len(elements))
    match chance.randint(0, 4):
        case 0:
            del elements[one]
        case 1:
            elements.insert(two, elements[one])
        case 2:
            elements[one], elements[two] = elements[two], elements[one]
        case 3:
            elements += [elements[one]] * chance.randint(1, _MANY // 10)
        case _:
            return []
    return elements


_CHANGES: dict[type, Callable[[Any, random.Random], Any]] = {
    bool: lambda old, _: not old,
    enum.Enum: _changed_enum,
    int: _changed_int,
    bytes: _changed_bytes,
    str: _changed_text,
}

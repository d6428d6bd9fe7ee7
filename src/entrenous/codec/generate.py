"""The two functions of a struct, written out field by field as one would write them by hand.

A loop over fields that calls a function for each takes twice as long, and a tree of 1,000 members has 20,000 fields.
The commonest forms (integers, fixed bytes, an ``opaque<V>`` of fewer than 64 bytes, an empty vector) stand in the text
themselves; whatever is not exactly that goes to the field's codec, which alone knows what to refuse and how.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from entrenous.codec.compile import Codec
from entrenous.codec.fields import Fixed, UInt, VarOpaque, VarVector
from entrenous.codec.varint import ONE_BYTE


class Slot(NamedTuple):
    """One field of a struct.

    Attributes:
        name: the attribute's.
        annotation: its wire type.
        codec: of that type.
        put: sets it in a new value; the value itself is frozen.
    """

    name: str
    annotation: Any
    codec: Codec
    put: Callable[[Any, Any], None]


def generate(cls: type, slots: Sequence[Slot]) -> Codec:
    """The codec of a struct with these fields, in their order."""
    names: dict[str, Any] = {"cls": cls, "new": cls.__new__, "integer": int.from_bytes}
    writes = ["def write(value, out):", " pass"]
    reads = ["def read(data, position, end):", " made = new(cls)"]
    for number, slot in enumerate(slots):
        names[f"write_{number}"], names[f"read_{number}"] = slot.codec
        names[f"put_{number}"] = slot.put
        marker = get_args(slot.annotation)[1] if get_origin(slot.annotation) is Annotated else None
        writes += [f" field = value.{slot.name}", *_write(marker, f"write_{number}(field, out)")]
        reads += _read(marker, f"put_{number}(made, ", f"read_{number}(data, position, end)")
    source = "\n".join([*writes, *reads, " return made, position"])
    exec(compile(source, f"<codec of {cls.__name__}>", "exec"), names)  # noqa: S102 the text is made of names and numbers of our own classes
    return Codec(names["write"], names["read"])


def _write(marker: object, otherwise: str) -> list[str]:
    """Lines that write ``field``; ``otherwise`` writes or refuses what is not of the common form."""
    match marker:
        case UInt(size):
            return _either(f"0 <= field < {1 << 8 * size}", [f"out += field.to_bytes({size}, 'big')"], [otherwise])
        case Fixed(size):
            return _either(f"len(field) == {size}", ["out += field"], [otherwise])
        case VarOpaque(None):
            return _either(f"(size := len(field)) < {ONE_BYTE}", ["out.append(size)", "out += field"], [otherwise])
        case VarVector():
            return _either("field == ()", ["out.append(0)"], [otherwise])
    return [f" {otherwise}"]


def _read(marker: object, put: str, otherwise: str) -> list[str]:
    """Lines that read a field at ``position`` and put it in; ``otherwise`` reads or refuses what is less common."""
    called = [f"field, position = {otherwise}", f"{put}field)"]
    match marker:
        case UInt(size):
            taken = [f"{put}integer(data[position:stop], 'big'))", "position = stop"]
            return [f" stop = position + {size}", *_either("stop <= end", taken, called)]
        case Fixed(size):
            taken = [f"{put}data[position:stop])", "position = stop"]
            return [f" stop = position + {size}", *_either("stop <= end", taken, called)]
        case VarOpaque(None):
            short = f"position < end and data[position] < {ONE_BYTE} and (stop := position + 1 + data[position]) <= end"
            return _either(short, [f"{put}data[position + 1 : stop])", "position = stop"], called)
        case VarVector():
            return _either("position < end and data[position] == 0", [f"{put}())", "position += 1"], called)
    return [f" {line}" for line in called]


def _either(condition: str, then: list[str], otherwise: list[str]) -> list[str]:
    return [f" if {condition}:", *(f"  {line}" for line in then), " else:", *(f"  {line}" for line in otherwise)]

"""Copies of wire values that remember nothing of the bytes they were read from: what they encode to is written anew."""

import dataclasses
from typing import Any

from entrenous.codec import Struct
from entrenous.mls.types import Ciphertexts


def afresh(value: Any) -> Any:
    """The same value, built of its fields again, all the way down."""
    if isinstance(value, Struct):
        return type(value)(*(afresh(getattr(value, each.name)) for each in dataclasses.fields(value)))  # type: ignore[arg-type]  # @struct makes every Struct a dataclass
    if type(value) is tuple or isinstance(value, Ciphertexts):  # a NamedTuple is no list of values: it stays
        return tuple(afresh(each) for each in value)
    return value

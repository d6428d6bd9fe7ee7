"""docs/spec/channel.md: calls, answers and events as MessagePack."""

from collections.abc import Mapping
from typing import Any

from entrenous.testing.vectors.form import Given
from entrenous.wire import decode_call, decode_from_server
from entrenous.wire.types import Shape


def call(given: Given) -> Mapping[str, Any]:
    """A server reads a call."""
    return _shown(*decode_call(given.hex("message")))


def from_server(given: Given) -> Mapping[str, Any]:
    """A client reads an answer or an event."""
    return _shown(*decode_from_server(given.hex("message")))


def _shown(number: int, body: Shape) -> Mapping[str, Any]:
    return {"number": number, "name": type(body).__name__, "fields": _plain(body)}


def _plain(value: Any) -> Any:  # noqa: ANN401 whatever stands in a field
    """As JSON: bytes in hexadecimal digits, a shape as the list of its fields."""
    if isinstance(value, Shape):
        return [_plain(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value

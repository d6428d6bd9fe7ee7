"""Any bytes to the MLS parsers: they decode or are malformed, and have one encoding."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh import afresh
from conftest import Vectors
from entrenous.codec import decode_as, encode_as
from entrenous.errors import MalformedError
from entrenous.mls.types import (
    AuthenticatedContent,
    ContentType,
    GroupSecrets,
    MLSMessage,
    RatchetTreeNodes,
    decode_private_content,
    encode_private_content,
)

PARSED: list[Any] = [MLSMessage, GroupSecrets, AuthenticatedContent, RatchetTreeNodes]


@pytest.mark.parametrize("kind", PARSED)
@given(data=st.binary(max_size=400))
def test_hostile_bytes_decode_or_raise_malformed_and_nothing_else(kind: Any, data: bytes) -> None:
    try:
        value = decode_as(kind, data)
    except MalformedError:
        return
    assert encode_as(kind, value) == encode_as(kind, afresh(value)) == data


@given(kind=st.sampled_from(ContentType), data=st.binary(max_size=200))
def test_hostile_private_content_decodes_or_raises_malformed(kind: ContentType, data: bytes) -> None:
    try:
        content, auth = decode_private_content(kind, data)
    except MalformedError:
        return
    assert data.startswith(encode_private_content(afresh(content), auth, 0))


@given(data=st.data())
def test_a_changed_official_message_decodes_or_raises_malformed(vectors: Vectors, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(vectors.load("mls/messages.json.gz")[:3]))
    name = data.draw(st.sampled_from(["mls_welcome", "mls_key_package", "public_message_commit", "private_message"]))
    message = bytearray.fromhex(case[name])
    for position, byte in data.draw(st.lists(st.tuples(st.integers(0, len(message) - 1), st.integers(0, 255)))):
        message[position] = byte
    try:
        value = MLSMessage.decode(bytes(message))
    except MalformedError:
        return
    assert value.encode() == afresh(value).encode() == bytes(message)

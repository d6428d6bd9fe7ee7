"""The official messages (RFC 9420 §6 to §12): what is read encodes again to the same bytes."""

from typing import Any

import pytest

from afresh import afresh
from conftest import Vectors
from entrenous.codec import codec_for, decode_as, encode_as
from entrenous.mls.types import (
    Add,
    Commit,
    ExternalInit,
    GroupContextExtensions,
    GroupInfo,
    GroupSecrets,
    KeyPackage,
    MLSMessage,
    PreSharedKey,
    PrivateMessage,
    PublicMessage,
    RatchetTreeNodes,
    ReInit,
    Remove,
    Update,
    Welcome,
)

MESSAGES = {
    "mls_welcome": Welcome,
    "mls_group_info": GroupInfo,
    "mls_key_package": KeyPackage,
    "public_message_application": PublicMessage,
    "public_message_proposal": PublicMessage,
    "public_message_commit": PublicMessage,
    "private_message": PrivateMessage,
}
STRUCTS: dict[str, Any] = {
    "ratchet_tree": RatchetTreeNodes,
    "group_secrets": GroupSecrets,
    "add_proposal": Add,
    "update_proposal": Update,
    "remove_proposal": Remove,
    "pre_shared_key_proposal": PreSharedKey,
    "re_init_proposal": ReInit,
    "external_init_proposal": ExternalInit,
    "group_context_extensions_proposal": GroupContextExtensions,
    "commit": Commit,
}


@pytest.fixture(scope="module")
def cases(vectors: Vectors) -> list[dict[str, str]]:
    found = vectors.load("mls/messages.json.gz")
    assert len(found) == 300
    return list(found)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_encodes_again_to_the_same_bytes(cases: list[dict[str, str]], name: str) -> None:
    for case in cases:
        data = bytes.fromhex(case[name])
        message = MLSMessage.decode(data)
        assert type(message.body) is MESSAGES[name]
        assert message.encode() == afresh(message).encode() == data


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_encodes_again_to_the_same_bytes(cases: list[dict[str, str]], name: str) -> None:
    for case in cases:
        data = bytes.fromhex(case[name])
        value = decode_as(STRUCTS[name], data)
        assert encode_as(STRUCTS[name], value) == encode_as(STRUCTS[name], afresh(value)) == data


def test_the_two_tables_name_every_field_of_the_vectors(cases: list[dict[str, str]]) -> None:
    assert set(cases[0]) == set(MESSAGES) | set(STRUCTS)
    assert all(codec_for(kind) for kind in STRUCTS.values())

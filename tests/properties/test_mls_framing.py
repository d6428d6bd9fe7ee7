"""Whatever bytes arrive as a group's message, a member hears it, or refuses it and is as she was before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError
from entrenous.mls.framing import protect_public, sign_as_member, unprotect
from entrenous.mls.suite import cipher_suite
from entrenous.mls.types import ApplicationData, InlineProposal, Remove, WireFormat
from mls_epochs import epoch_of

ALICE, BOB = epoch_of(cipher_suite(1), 2)
PRIVATE = ALICE.says(b"hello", b"in clear")
PUBLIC = protect_public(
    ALICE.view,
    sign_as_member(ALICE.view, ALICE.signer, WireFormat.PUBLIC_MESSAGE, InlineProposal(Remove(1)), b""),
)

genuine = st.sampled_from([PRIVATE, PUBLIC])


def refused(message: bytes) -> None:
    with pytest.raises((MalformedError, RejectedError, CryptoError)):
        unprotect(BOB.view, BOB.keys, message)


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda data: PRIVATE[:40] + data))
def test_hostile_bytes_are_refused_with_a_typed_error(data: bytes) -> None:
    refused(data)


@given(genuine, st.data())
def test_a_cut_or_lengthened_message_is_refused(message: bytes, data: st.DataObject) -> None:
    refused(message[: data.draw(st.integers(0, len(message) - 1))])
    refused(message + data.draw(st.binary(min_size=1, max_size=5)))


@given(genuine, st.data())
def test_a_changed_message_is_refused(message: bytes, data: st.DataObject) -> None:
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        unprotect(BOB.view, BOB.keys, bytes(changed))
    except EntrenousError:
        return
    assert bytes(changed) == message


@given(st.binary(max_size=2000), st.binary(max_size=200))
def test_any_data_arrives_as_it_was_sent(payload: bytes, clear: bytes) -> None:
    alice, bob = epoch_of(cipher_suite(1), 2)
    received = bob.hears(alice.says(payload, clear))
    assert (received.body, received.authenticated_data) == (ApplicationData(payload), clear)

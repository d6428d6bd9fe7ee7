"""Whatever bytes a peer sends, a handshake ends in one of our errors and stays dead."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.errors import CryptoError, MalformedError, UsageError
from entrenous.noise import HandshakeState, State, parse_protocol_name

NAMES = ["Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256", "Noise_NX_FFDHE2048_AESGCM_SHA256", "Noise_XX_25519_AESGCM_SHA256"]


def fresh(name: str, *, initiator: bool) -> HandshakeState:
    protocol = parse_protocol_name(name)
    numbers = itertools.count(1)
    needed = protocol.pattern.needs_static(initiator=initiator)
    return HandshakeState(
        protocol,
        initiator=initiator,
        entropy=lambda size: bytes([next(numbers)]) * size,
        static=protocol.dh.generate(lambda size: b"\x55" * size) if needed else None,
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(message=st.one_of(st.binary(max_size=600), st.integers(0, 70_000).map(bytes)))
def test_a_hostile_message_2_is_refused_and_the_handshake_stays_dead(name: str, message: bytes) -> None:
    initiator = fresh(name, initiator=True)
    initiator.write_message()
    with pytest.raises((MalformedError, CryptoError)):
        initiator.read_message(message)
    assert initiator.state is State.FAILED
    with pytest.raises(UsageError):
        initiator.write_message()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(calls=st.lists(st.sampled_from(["write", "read", "split", "hash"]), max_size=8), data=st.binary(max_size=1300))
def test_calls_in_any_order_end_in_one_of_our_errors(name: str, calls: list[str], data: bytes) -> None:
    for initiator in (True, False):
        state = fresh(name, initiator=initiator)
        for call in calls:
            try:
                match call:
                    case "write":
                        state.write_message(data)
                    case "read":
                        state.read_message(data)
                    case "split":
                        state.split()
                    case _:
                        _ = state.handshake_hash
            except (UsageError, MalformedError, CryptoError):
                continue

"""Whatever happens to a message on its way, the two sides fail in the same two ways."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrenous.errors import CryptoError, MalformedError
from entrenous.opaque import (
    Server,
    ServerLogin,
    check_record,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)


def seeded(size: int) -> bytes:
    return hashlib.shake_256(b"seeded").digest(size)


def ksf(output: bytes) -> bytes:
    return output


SERVER = Server.generate(seeded)
REGISTRATION, REQUEST = start_registration(b"password", seeded)
RESPONSE = SERVER.respond_registration(REQUEST, b"id")
RECORD, _ = finish_registration(
    REGISTRATION, RESPONSE, server_identity=b"s", client_identity=b"c", ksf=ksf, entropy=seeded
)
CLIENT, KE1 = start_login(b"password", seeded)


def answer(record: bytes, ke1: bytes) -> tuple[ServerLogin, bytes]:
    return SERVER.start_login(
        record,
        ke1,
        credential_identifier=b"id",
        context=b"x",
        server_identity=b"s",
        client_identity=b"c",
        entropy=seeded,
    )


def log_in(record: bytes = RECORD, ke1: bytes = KE1, flip: tuple[int, int] | None = None) -> None:
    state, ke2 = answer(record, ke1)
    if flip is not None:
        ke2 = flipped(ke2, *flip)
    result = finish_login(CLIENT, ke2, context=b"x", server_identity=b"s", client_identity=b"c", ksf=ksf)
    finish_server_login(state, result.ke3)


def flipped(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position % len(data)] ^= 1 << bit
    return bytes(changed)


positions = st.tuples(st.integers(0, 319), st.integers(0, 7))


def test_the_untouched_exchange_succeeds() -> None:
    log_in()


@given(positions)
def test_no_flipped_bit_of_a_record_lets_in(flip: tuple[int, int]) -> None:
    with pytest.raises((CryptoError, MalformedError)):
        log_in(record=flipped(RECORD, *flip))


@given(positions)
def test_no_flipped_bit_of_ke1_lets_in(flip: tuple[int, int]) -> None:
    with pytest.raises((CryptoError, MalformedError)):
        log_in(ke1=flipped(KE1, *flip))


@given(positions)
def test_no_flipped_bit_of_ke2_lets_in(flip: tuple[int, int]) -> None:
    with pytest.raises((CryptoError, MalformedError)):
        log_in(flip=flip)


@given(st.integers(0, 63), st.integers(0, 7))
def test_no_flipped_bit_of_ke3_lets_in(position: int, bit: int) -> None:
    state, ke2 = answer(RECORD, KE1)
    result = finish_login(CLIENT, ke2, context=b"x", server_identity=b"s", client_identity=b"c", ksf=ksf)
    with pytest.raises(CryptoError):
        finish_server_login(state, flipped(result.ke3, position, bit))


@given(st.binary(min_size=1, max_size=64))
@settings(max_examples=25)
def test_no_other_password_opens_the_record(password: bytes) -> None:
    if password == b"password":
        return
    client, ke1 = start_login(password, seeded)
    _, ke2 = answer(RECORD, ke1)
    with pytest.raises(CryptoError):
        finish_login(client, ke2, context=b"x", server_identity=b"s", client_identity=b"c", ksf=ksf)


@given(st.binary(max_size=400))
def test_hostile_bytes_are_malformed_or_fail(data: bytes) -> None:
    for parse in (
        lambda: check_record(data),
        lambda: SERVER.respond_registration(data, b"id"),
        lambda: answer(RECORD, data),
    ):
        try:
            parse()
        except (CryptoError, MalformedError):
            continue

import hashlib
import os
from typing import Any

import pytest

from conftest import Vectors
from entrenous.codec import Struct
from entrenous.crypto import FLOOR, Argon2Parameters, Entropy, ristretto
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.opaque import (
    KE1,
    KE2,
    KE3,
    RegistrationRecord,
    RegistrationRequest,
    RegistrationResponse,
    Server,
    argon2id_stretching,
    check_record,
    fake_record,
    finish_login,
    finish_registration,
    finish_server_login,
    start_login,
    start_registration,
)
from entrenous.opaque.stretch import LENGTH, SALT

NAMES: dict[str, Any] = {"server_identity": b"server id", "client_identity": b"account id"}
CONTEXT = b"entrenous, suite 1, handshake hash"
PASSWORD = b"five words of some length"


def seeded(seed: bytes) -> Entropy:
    """The same bytes in every run."""
    drawn = 0

    def entropy(size: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(seed + drawn.to_bytes(4, "big")).digest(size)

    return entropy


def ksf(output: bytes) -> bytes:
    return hashlib.sha512(b"quick" + output).digest()


SERVER = Server.generate(seeded(b"server"))


def register(
    password: bytes = PASSWORD, *, server: Server = SERVER, credential: bytes = b"alice"
) -> tuple[bytes, bytes]:
    state, request = start_registration(password, seeded(b"register"))
    response = server.respond_registration(request, credential)
    record, export_key = finish_registration(state, response, **NAMES, ksf=ksf, entropy=seeded(b"nonce"))
    return record, export_key.reveal()


def ke2_for(record: bytes, ke1: bytes, **changed: Any) -> tuple[Any, bytes]:
    arguments = {"credential_identifier": b"alice", "context": CONTEXT, "entropy": seeded(b"login"), **NAMES, **changed}
    return SERVER.start_login(record, ke1, **arguments)


def login(record: bytes, password: bytes = PASSWORD, **server_side: Any) -> tuple[bytes, bytes, bytes]:
    """The server's session key, the client's, and the export key."""
    client, ke1 = start_login(password, seeded(b"client"))
    state, ke2 = ke2_for(record, ke1, **server_side)
    result = finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf)
    return finish_server_login(state, result.ke3).reveal(), result.session_key.reveal(), result.export_key.reveal()


def test_the_right_password_gives_both_sides_one_session_key() -> None:
    record, registered = register()
    server_key, client_key, export_key = login(record)
    assert server_key == client_key
    assert export_key == registered


def test_messages_have_the_sizes_of_the_standard() -> None:
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    _, request = start_registration(PASSWORD, seeded(b"register"))
    response = SERVER.respond_registration(request, b"alice")
    record, _ = register()
    _, ke2 = ke2_for(record, ke1)
    ke3 = finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf).ke3
    assert [len(message) for message in (request, response, record, ke1, ke2, ke3)] == [32, 64, 192, 96, 320, 64]


def test_two_logins_share_no_session_key_and_no_byte_of_their_shares() -> None:
    record, _ = register()
    first_client, first = start_login(PASSWORD, os.urandom)
    second_client, second = start_login(PASSWORD, os.urandom)
    assert first != second
    _, first_ke2 = ke2_for(record, first, entropy=os.urandom)
    _, second_ke2 = ke2_for(record, second, entropy=os.urandom)
    keys = [
        finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf)
        for client, ke2 in ((first_client, first_ke2), (second_client, second_ke2))
    ]
    assert keys[0].session_key != keys[1].session_key
    assert keys[0].export_key == keys[1].export_key


@pytest.mark.parametrize("password", [b"", PASSWORD + b" ", b"something else"])
def test_a_wrong_password_fails(password: bytes) -> None:
    with pytest.raises(CryptoError):
        login(register()[0], password)


def test_a_login_relayed_onto_another_channel_fails() -> None:
    with pytest.raises(CryptoError):
        login(register()[0], context=CONTEXT + b"'s other end")


@pytest.mark.parametrize("name", ["server_identity", "client_identity"])
@pytest.mark.parametrize("value", [b"another", None])
def test_another_server_or_client_identity_fails(name: str, value: bytes | None) -> None:
    changed: dict[str, Any] = {name: value}
    with pytest.raises(CryptoError):
        login(register()[0], **changed)


def test_context_and_identities_are_bound_one_by_one() -> None:
    # Their lengths are hashed too: moving a byte from one to the next is noticed.
    with pytest.raises(CryptoError):
        login(register()[0], context=CONTEXT + b"a", client_identity=b"ccount id")


def test_another_key_stretching_fails() -> None:
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    _, ke2 = ke2_for(register()[0], ke1)
    with pytest.raises(CryptoError):
        finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=lambda output: output)


def test_another_servers_key_fails_even_with_the_stolen_oprf_seed() -> None:
    record, _ = register()
    thief = Server(SERVER.oprf_seed, Server.generate(seeded(b"thief")).key_pair)
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    _, ke2 = thief.start_login(
        record, ke1, credential_identifier=b"alice", context=CONTEXT, entropy=seeded(b"t"), **NAMES
    )
    with pytest.raises(CryptoError):
        finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf)


def test_a_record_of_one_credential_is_useless_under_another() -> None:
    with pytest.raises(CryptoError):
        login(register()[0], credential_identifier=b"bob")


def test_a_ke3_of_one_login_does_not_finish_another() -> None:
    record, _ = register()
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    _, ke2 = ke2_for(record, ke1)
    other, _ = ke2_for(record, ke1, entropy=seeded(b"other"))
    with pytest.raises(CryptoError):
        finish_server_login(other, finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf).ke3)


def test_a_ke2_replayed_to_another_login_fails() -> None:
    record, _ = register()
    _, ke1 = start_login(PASSWORD, seeded(b"client"))
    _, ke2 = ke2_for(record, ke1)
    another, _ = start_login(PASSWORD, seeded(b"another"))
    with pytest.raises(CryptoError):
        finish_login(another, ke2, context=CONTEXT, **NAMES, ksf=ksf)


def test_an_unknown_account_looks_like_a_known_one_and_never_lets_in() -> None:
    fake = SERVER.fake_record(b"nobody")
    check_record(fake)
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    state, ke2 = ke2_for(fake, ke1, credential_identifier=b"nobody")
    _, real = ke2_for(register()[0], ke1)
    assert len(ke2) == len(real)
    assert ristretto.is_valid(KE2.decode(ke2).credential_response.evaluated_message)
    with pytest.raises(CryptoError):
        finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf)
    with pytest.raises(CryptoError):
        finish_server_login(state, bytes(64))


def test_a_fake_record_is_the_same_at_every_try_and_another_for_every_name_and_server() -> None:
    other = Server.generate(seeded(b"other")).oprf_seed
    records = {fake_record(seed, name) for seed in (SERVER.oprf_seed, other) for name in (b"x", b"y")}
    assert len(records) == 4
    assert fake_record(SERVER.oprf_seed, b"x") in records
    assert fake_record(SERVER.oprf_seed, b"x") == SERVER.fake_record(b"x")


def test_the_identity_and_every_bad_encoding_are_refused_wherever_an_element_comes_in(vectors: Vectors) -> None:
    encodings = vectors.load("oprf/ristretto255-rfc9496.json")["invalid_encodings"]
    bad = [bytes(32), *map(bytes.fromhex, encodings)]
    assert len(bad) == 30
    record, _ = register()
    registration, request = start_registration(PASSWORD, seeded(b"register"))
    response = SERVER.respond_registration(request, b"alice")
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    _, ke2 = ke2_for(record, ke1)
    for element in bad:
        with pytest.raises(CryptoError):
            SERVER.respond_registration(element, b"alice")
        # Evaluated to the identity, a password would be hashed with no secret of the server's at all.
        for broken in (element + response[32:], response[:32] + element):
            with pytest.raises(CryptoError):
                finish_registration(registration, broken, **NAMES, ksf=ksf, entropy=seeded(b"n"))
        with pytest.raises(CryptoError):
            check_record(element + record[32:])
        with pytest.raises(CryptoError):
            ke2_for(element + record[32:], ke1)
        for broken in (element + ke1[32:], ke1[:64] + element):
            with pytest.raises(CryptoError):
                ke2_for(record, broken)
        for broken in (element + ke2[32:], ke2[:224] + element + ke2[256:]):
            with pytest.raises(CryptoError):
                finish_login(client, broken, context=CONTEXT, **NAMES, ksf=ksf)


@pytest.mark.parametrize(
    ("message", "size"),
    [
        (RegistrationRequest, 32),
        (RegistrationResponse, 64),
        (RegistrationRecord, 192),
        (KE1, 96),
        (KE2, 320),
        (KE3, 64),
    ],
)
def test_a_message_of_any_other_size_is_malformed(message: type[Struct], size: int) -> None:
    assert message.decode(bytes(size)).encode() == bytes(size)
    for wrong in (0, size - 1, size + 1):
        with pytest.raises(MalformedError):
            message.decode(bytes(wrong))


def test_a_password_identity_or_context_whose_length_does_not_fit_is_our_bug() -> None:
    with pytest.raises(UsageError):
        register(bytes(1 << 16))
    with pytest.raises(UsageError):
        login(register()[0], context=bytes(1 << 16))


def test_a_stored_server_is_the_one_that_was_generated() -> None:
    copy = Server.restore(SERVER.oprf_seed.reveal(), SERVER.key_pair.private.reveal())
    assert copy == SERVER


@pytest.mark.parametrize(("seed", "private"), [(bytes(63), b"\x01" + bytes(31)), (bytes(64), b"\xff" * 32)])
def test_stored_secrets_of_the_wrong_form_are_our_bug(seed: bytes, private: bytes) -> None:
    with pytest.raises(UsageError):
        Server.restore(seed, private)


def test_nothing_secret_prints() -> None:
    record, _ = register()
    client, ke1 = start_login(PASSWORD, seeded(b"client"))
    registration, _ = start_registration(PASSWORD, seeded(b"register"))
    state, ke2 = ke2_for(record, ke1)
    result = finish_login(client, ke2, context=CONTEXT, **NAMES, ksf=ksf)
    printed = repr((client, registration, state, SERVER, result.session_key, result.export_key))
    secrets = [
        PASSWORD,
        client.blind.reveal(),
        client.keyshare.private.reveal(),
        registration.blind.reveal(),
        state.expected_client_mac,
        state.session_key.reveal(),
        SERVER.oprf_seed.reveal(),
        SERVER.key_pair.private.reveal(),
        result.export_key.reveal(),
    ]
    for secret in secrets:
        assert secret.hex() not in printed
        assert repr(secret)[2:-1] not in printed


def test_argon2id_stretches_with_a_salt_of_zeros() -> None:
    assert not any(SALT)
    assert len(SALT) == 16
    output = argon2id_stretching(FLOOR)(bytes(64))
    assert len(output) == LENGTH == 64
    assert output != bytes(64)


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        (Argon2Parameters(FLOOR.memory_kib - 1, FLOOR.iterations, FLOOR.lanes), "AUTH-KSF-FLOOR"),
        (Argon2Parameters(FLOOR.memory_kib, 1, FLOOR.lanes), "AUTH-KSF-FLOOR"),
        (Argon2Parameters(1 << 30, FLOOR.iterations, FLOOR.lanes), "AUTH-KSF-CEILING"),
    ],
)
def test_a_server_cannot_make_a_client_stretch_too_little_or_too_much(parameters: Argon2Parameters, rule: str) -> None:
    with pytest.raises(RejectedError) as caught:
        argon2id_stretching(parameters)
    assert caught.value.rule == rule

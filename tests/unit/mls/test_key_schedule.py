"""The key schedule's own edges: secrets that do not print, storage, external init, exporter, PSKs."""

import pytest

from entrenous.errors import CryptoError, MalformedError, UsageError
from entrenous.mls.schedule import (
    ConfirmationKey,
    EpochSecrets,
    JoinerSecret,
    confirmation_tag,
    derive_epoch_secret,
    derive_epoch_secrets,
    derive_member_secret,
    derive_psk_secret,
    derive_welcome_key,
    export,
    external_init_receiver,
    external_init_sender,
    external_key_pair,
    first_epoch_secret,
    no_psk,
    verify_confirmation_tag,
)
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite, cipher_suite
from entrenous.mls.types import ExternalPSK, PreSharedKeyID
from mls_epochs import seeded

ALL = pytest.mark.parametrize("suite", SUITES.values(), ids=repr)


def epoch(suite: CipherSuite, seed: int = 0) -> EpochSecrets:
    return derive_epoch_secrets(suite, first_epoch_secret(suite, seeded(seed))).secrets


class Listener:
    def __init__(self) -> None:
        self.names: list[str] = []

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        self.names.append(name)

    def step(self, name: str, **fields: str | int | bool | None) -> None:
        raise AssertionError("the key schedule takes no steps")


@ALL
def test_an_epochs_secrets_survive_storage(suite: CipherSuite) -> None:
    secrets = epoch(suite)
    assert EpochSecrets.decode(suite, secrets.encode()) == secrets


def test_stored_secrets_of_another_suite_are_malformed() -> None:
    with pytest.raises(MalformedError, match="48 bytes"):
        EpochSecrets.decode(ROOM_SUITE, epoch(cipher_suite(1)).encode())
    with pytest.raises(MalformedError):
        EpochSecrets.decode(ROOM_SUITE, epoch(ROOM_SUITE).encode() + b"\x00")


def test_no_secret_of_an_epoch_prints() -> None:
    new = derive_epoch_secrets(ROOM_SUITE, first_epoch_secret(ROOM_SUITE, seeded()))
    shown = repr(new) + repr(
        derive_welcome_key(ROOM_SUITE, derive_member_secret(ROOM_SUITE, JoinerSecret(b"A" * 48), no_psk(ROOM_SUITE)))
    )
    assert "InitSecret(48 bytes)" in shown
    assert "b'" not in shown


def test_every_secret_of_an_epoch_is_another() -> None:
    new = derive_epoch_secrets(ROOM_SUITE, first_epoch_secret(ROOM_SUITE, seeded()))
    values = {getattr(new.secrets, name).reveal() for name in new.secrets.__slots__} | {new.encryption_secret.reveal()}
    assert len(values) == 9


def test_a_trace_hears_the_name_of_every_secret() -> None:
    listener = Listener()
    member = derive_member_secret(ROOM_SUITE, JoinerSecret(bytes(48)), no_psk(ROOM_SUITE), trace=listener)
    derive_welcome_key(ROOM_SUITE, member, trace=listener)
    derive_epoch_secrets(
        ROOM_SUITE, derive_epoch_secret(ROOM_SUITE, member, b"context", trace=listener), trace=listener
    )
    assert listener.names[:3] == ["member_secret", "welcome_secret", "epoch_secret"]
    assert {"encryption_secret", "confirmation_key", "init_secret"} <= set(listener.names)
    assert len(listener.names) == 12


@ALL
def test_a_joiner_from_outside_and_the_members_derive_one_init_secret(suite: CipherSuite) -> None:
    pair = external_key_pair(suite, epoch(suite).external_secret)
    kem_output, secret = external_init_sender(suite, pair.public, seeded())
    assert external_init_receiver(suite, pair.private, kem_output) == secret
    assert len(secret) == suite.secret_size
    other = external_key_pair(suite, epoch(suite, 1).external_secret)
    # Nothing authenticates an encapsulation: the wrong key gets a secret that nobody shares.
    assert external_init_receiver(suite, other.private, kem_output) != secret


def test_a_bad_encapsulation_is_refused() -> None:
    pair = external_key_pair(ROOM_SUITE, epoch(ROOM_SUITE).external_secret)
    for kem_output in (b"", bytes(1119), bytes(1121)):
        with pytest.raises(CryptoError):
            external_init_receiver(ROOM_SUITE, pair.private, kem_output)
    with pytest.raises(CryptoError):
        external_init_sender(ROOM_SUITE, b"no key", seeded())


def test_exported_secrets_differ_by_epoch_label_and_context() -> None:
    exporter = epoch(ROOM_SUITE).exporter_secret
    outputs = {
        export(ROOM_SUITE, exporter, "label", b"context", 32),
        export(ROOM_SUITE, exporter, "label", b"", 32),
        export(ROOM_SUITE, exporter, "label", b"c" * 100_000, 32),
        export(ROOM_SUITE, exporter, "other", b"context", 32),
        export(ROOM_SUITE, epoch(ROOM_SUITE, 1).exporter_secret, "label", b"context", 32),
    }
    assert len(outputs) == 5
    with pytest.raises(UsageError):
        export(ROOM_SUITE, exporter, "label", b"", 255 * 48 + 1)


def test_the_order_of_pre_shared_keys_matters() -> None:
    one, two = ((PreSharedKeyID(ExternalPSK(name), bytes(48)), name * 32) for name in (b"1", b"2"))
    assert derive_psk_secret(ROOM_SUITE, [one, two]) != derive_psk_secret(ROOM_SUITE, [two, one])
    assert derive_psk_secret(ROOM_SUITE, []) == no_psk(ROOM_SUITE)
    assert no_psk(ROOM_SUITE).reveal() == bytes(48)


def test_more_pre_shared_keys_than_can_be_counted_are_our_bug() -> None:
    psk = (PreSharedKeyID(ExternalPSK(b"name"), bytes(48)), b"value")
    with pytest.raises(UsageError, match="65536"):
        derive_psk_secret(ROOM_SUITE, [psk] * 65_536)


def test_a_confirmation_tag_of_another_key_or_transcript_is_refused() -> None:
    tag = confirmation_tag(ROOM_SUITE, ConfirmationKey(b"k" * 48), b"transcript")
    verify_confirmation_tag(ROOM_SUITE, ConfirmationKey(b"k" * 48), b"transcript", tag)
    for key, transcript, given in [
        (b"l" * 48, b"transcript", tag),
        (b"k" * 48, b"other", tag),
        (b"k" * 48, b"transcript", b""),
    ]:
        with pytest.raises(CryptoError):
            verify_confirmation_tag(ROOM_SUITE, ConfirmationKey(key), transcript, given)

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from entrenous.crypto import X25519, DHKeyPair, DHPrivateKey, Entropy
from entrenous.errors import CryptoError, EntrenousError, MalformedError, UsageError
from entrenous.noise import MAX_MESSAGE, PATTERNS, HandshakeState, State, parse_protocol_name

HYBRID = "Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256"
CLASSIC = "Noise_NX_FFDHE2048_AESGCM_SHA256"
SUITES = pytest.mark.parametrize("name", [HYBRID, CLASSIC], ids=["hybrid", "classic"])
PSK = bytes(32)


def seeded(seed: int) -> Entropy:
    numbers = itertools.count()
    return lambda size: (b"%d/%d " % (seed, next(numbers)) * size)[:size]


def parties(
    name: str, *, prologue: bytes = b"prologue", responder_prologue: bytes | None = None
) -> list[HandshakeState]:
    protocol = parse_protocol_name(name)
    pairs = [protocol.dh.generate(seeded(1)), protocol.dh.generate(seeded(2))]
    made = []
    for number, initiator in enumerate((True, False)):
        made.append(
            HandshakeState(
                protocol,
                initiator=initiator,
                entropy=seeded(3 + number),
                prologue=prologue if initiator or responder_prologue is None else responder_prologue,
                static=pairs[number] if protocol.pattern.needs_static(initiator=initiator) else None,
                remote_static=pairs[1 - number].public if protocol.pattern.knows_remote(initiator=initiator) else None,
                psks=[PSK] * protocol.pattern.psk_count,
            )
        )
    return made


def finish(initiator: HandshakeState, responder: HandshakeState) -> None:
    turns = itertools.cycle([(initiator, responder), (responder, initiator)])
    for number in range(len(initiator.protocol.pattern.messages)):
        sender, receiver = next(turns)
        payload = b"payload %d" % number
        assert receiver.read_message(sender.write_message(payload)) == payload
    assert initiator.state is responder.state is State.FINISHED


@pytest.mark.parametrize("pattern", sorted(set(PATTERNS) - {"N", "K", "X"}))
def test_every_interactive_pattern_runs_with_hfs(pattern: str) -> None:
    initiator, responder = parties(f"Noise_{pattern}hfs_25519+MLKEM768_AESGCM_SHA256")
    finish(initiator, responder)
    assert initiator.handshake_hash == responder.handshake_hash


@SUITES
def test_a_product_suite_carries_messages_both_ways(name: str) -> None:
    initiator, responder = parties(name)
    finish(initiator, responder)
    ours, theirs = initiator.split(), responder.split()
    for number in range(3):
        text = b"text %d" % number
        assert theirs.receiving.decrypt_with_ad(b"", ours.sending.encrypt_with_ad(b"", text)) == text
        assert ours.receiving.decrypt_with_ad(b"", theirs.sending.encrypt_with_ad(b"", text)) == text


@SUITES
def test_the_initiator_learns_the_static_key_it_was_promised(name: str) -> None:
    initiator, responder = parties(name)
    assert initiator.remote_static is None
    finish(initiator, responder)
    assert initiator.remote_static == parse_protocol_name(name).dh.generate(seeded(2)).public


@SUITES
def test_message_sizes_are_those_of_the_standards(name: str) -> None:
    initiator, responder = parties(name)
    first = initiator.write_message()
    responder.read_message(first)
    second = responder.write_message()
    expected = {HYBRID: (32 + 1184, 32 + 1088 + 16 + 32 + 16 + 16), CLASSIC: (256, 256 + 256 + 16 + 16)}[name]
    assert (len(first), len(second)) == expected


@SUITES
def test_another_prologue_ends_the_handshake(name: str) -> None:
    initiator, responder = parties(name, prologue=b"suite 1", responder_prologue=b"suite 2")
    responder.read_message(initiator.write_message())
    with pytest.raises(CryptoError):
        initiator.read_message(responder.write_message())
    assert initiator.state is State.FAILED


@SUITES
def test_any_changed_byte_of_message_2_is_refused(name: str) -> None:
    initiator, responder = parties(name)
    responder.read_message(initiator.write_message())
    message = responder.write_message(b"certificate")
    for place in range(0, len(message), 37):
        fresh, _ = parties(name)
        fresh.write_message()
        changed = bytearray(message)
        changed[place] ^= 0x80
        with pytest.raises(CryptoError):
            fresh.read_message(bytes(changed))


@SUITES
def test_any_cut_of_a_message_is_refused_and_ends_the_handshake(name: str) -> None:
    initiator, responder = parties(name)
    first = initiator.write_message()
    responder.read_message(first)
    second = responder.write_message()
    for length in range(0, len(second), 53):
        fresh, _ = parties(name)
        fresh.write_message()
        with pytest.raises((MalformedError, CryptoError)):
            fresh.read_message(second[:length])
        with pytest.raises(UsageError):
            fresh.read_message(second)
    _, fresh = parties(name)
    with pytest.raises(MalformedError):
        fresh.read_message(first[:-1])


@SUITES
def test_our_own_message_reflected_is_refused(name: str) -> None:
    initiator, _ = parties(name)
    first = initiator.write_message()
    with pytest.raises((MalformedError, CryptoError)):
        initiator.read_message(first)


def test_wrong_order_is_our_bug_and_harms_nothing() -> None:
    initiator, responder = parties("Noise_XX_25519_AESGCM_SHA256")
    for call in (initiator.split, responder.write_message, lambda: initiator.read_message(b"")):
        with pytest.raises(UsageError):
            call()
    with pytest.raises(UsageError):
        _ = initiator.handshake_hash
    finish(initiator, responder)
    with pytest.raises(UsageError):
        initiator.write_message()
    with pytest.raises(UsageError):
        responder.read_message(b"")
    initiator.split()
    with pytest.raises(UsageError):
        initiator.split()
    assert initiator.handshake_hash == responder.handshake_hash


def test_a_one_way_pattern_has_no_way_back() -> None:
    initiator, responder = parties("Noise_N_25519_AESGCM_SHA256")
    finish(initiator, responder)
    ours, theirs = initiator.split(), responder.split()
    assert theirs.receiving.decrypt_with_ad(b"", ours.sending.encrypt_with_ad(b"", b"on")) == b"on"
    with pytest.raises(UsageError):
        theirs.sending.encrypt_with_ad(b"", b"back")
    with pytest.raises(UsageError):
        ours.receiving.decrypt_with_ad(b"", bytes(20))


def test_a_message_over_65535_bytes_is_refused_on_both_sides() -> None:
    initiator, responder = parties("Noise_NN_25519_AESGCM_SHA256")
    with pytest.raises(UsageError):
        initiator.write_message(bytes(MAX_MESSAGE - 31))
    assert initiator.state is State.FAILED
    with pytest.raises(MalformedError):
        responder.read_message(bytes(MAX_MESSAGE + 1))
    initiator, responder = parties("Noise_NN_25519_AESGCM_SHA256")
    assert len(responder.read_message(initiator.write_message(bytes(MAX_MESSAGE - 32)))) == MAX_MESSAGE - 32
    assert len(responder.write_message(bytes(MAX_MESSAGE - 48))) == MAX_MESSAGE


def key_pair(byte: int) -> DHKeyPair:
    private = DHPrivateKey(bytes([byte]) * 32)
    return DHKeyPair(private, X25519.public(private))


@pytest.mark.parametrize(
    "build",
    [
        lambda new: new("NX", initiator=False),
        lambda new: new("NX", initiator=True, static=key_pair(1)),
        lambda new: new("NK", initiator=True),
        lambda new: new("NX", initiator=True, remote_static=bytes(32)),
        lambda new: new("NK", initiator=True, remote_static=bytes(31)),
        lambda new: new("NX", initiator=False, static=DHKeyPair(key_pair(1).private, bytes(256))),
        lambda new: new("NNpsk0", initiator=True),
        lambda new: new("NN", initiator=True, psks=[PSK]),
    ],
)
def test_a_missing_an_unwanted_or_a_misshapen_key_is_our_bug(build: Callable[..., object]) -> None:
    def new(pattern: str, **keys: Any) -> HandshakeState:
        protocol = parse_protocol_name(f"Noise_{pattern}_25519_AESGCM_SHA256")
        return HandshakeState(protocol, entropy=seeded(0), **keys)

    with pytest.raises(UsageError):
        build(new)


def test_a_psk_of_another_length_is_our_bug() -> None:
    protocol = parse_protocol_name("Noise_NNpsk0_25519_AESGCM_SHA256")
    state = HandshakeState(protocol, initiator=True, entropy=seeded(0), psks=[bytes(31)])
    with pytest.raises(UsageError):
        state.write_message()


def test_the_trace_hears_every_token_and_every_key() -> None:
    heard: list[str] = []

    class Listening:
        def derived(self, name: str, secret: bytes, *inputs: str) -> None:
            heard.append(f"{name} from {inputs[-1]}")

        def step(self, name: str, **fields: object) -> None:
            heard.append(f"{fields['direction']} {fields['token']}")

    protocol = parse_protocol_name(HYBRID)
    _, responder = parties(HYBRID)
    initiator = HandshakeState(protocol, initiator=True, entropy=seeded(3), prologue=b"prologue", trace=Listening())
    finish(initiator, responder)
    initiator.split()
    assert heard[:2] == ["write e", "write e1"]
    assert heard[2:] == [
        *("read e", "read ee", "ck from ee", "k from ee", "read ekem1", "ck from ekem1", "k from ekem1"),
        *("read s", "read es", "ck from es", "k from es"),
        *("k initiator from ck", "k responder from ck"),
    ]


def test_printing_a_handshake_shows_no_key() -> None:
    initiator, _ = parties(HYBRID)
    initiator.write_message()
    assert repr(initiator) == f"HandshakeState({HYBRID}, initiator, RECEIVING)"


def test_every_failure_is_one_of_ours() -> None:
    for name in (HYBRID, CLASSIC):
        for length in (0, 1, 31, 32, 255, 256, 1216, 1232):
            _, responder = parties(name)
            try:
                responder.read_message(b"\xff" * length)
                responder.write_message()
            except EntrenousError:
                assert responder.state is State.FAILED

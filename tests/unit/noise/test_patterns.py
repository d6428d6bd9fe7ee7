import pytest

from entrenous.errors import UsageError
from entrenous.noise import PATTERNS, parse_pattern, parse_protocol_name
from entrenous.noise.patterns import DH_KEYS, HandshakePattern, Token


def written(pattern: HandshakePattern) -> str:
    return " / ".join(" ".join(token.value for token in tokens) for tokens in pattern.messages)


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("NNhfs", "e e1 / e ee ekem1"),
        ("NKhfs", "e es e1 / e ee ekem1"),
        ("NXhfs", "e e1 / e ee ekem1 s es"),
        ("XNhfs", "e e1 / e ee ekem1 / s se"),
        ("XXhfs", "e e1 / e ee ekem1 s es / s se"),
        ("KXhfs", "e e1 / e ee ekem1 se s es"),
        ("IKhfs", "e es e1 s ss / e ee ekem1 se"),
        ("IXhfs", "e e1 s / e ee ekem1 se s es"),
    ],
)
def test_hfs_places_its_tokens_as_the_document_shows(name: str, messages: str) -> None:
    assert written(parse_pattern(name)) == messages


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("NNpsk0", "psk e / e ee"),
        ("XXpsk3", "e / e ee s es / s se psk"),
        ("NNpsk0+psk2", "psk e / e ee psk"),
        ("NXhfs+psk2", "e e1 / e ee ekem1 s es psk"),
    ],
)
def test_psk_opens_the_first_message_or_ends_the_numbered_one(name: str, messages: str) -> None:
    assert written(parse_pattern(name)) == messages


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_every_pattern_obeys_the_validity_rules(name: str) -> None:
    """Noise rev 34 §7.3: no DH before its keys are known, nothing sent or computed twice."""
    pattern = PATTERNS[name]
    known = {
        True: {Token.S} if pattern.initiator_known else set(),
        False: {Token.S} if pattern.responder_known else set(),
    }
    seen: list[Token] = []
    for number, tokens in enumerate(pattern.messages):
        sender = number % 2 == 0
        for token in tokens:
            if token in DH_KEYS:
                initiators, responders = DH_KEYS[token]
                assert initiators in known[True]
                assert responders in known[False]
                assert token not in seen
                seen.append(token)
            else:
                assert token not in known[sender]
                known[sender].add(token)


@pytest.mark.parametrize(
    "name", ["", "QQ", "nx", "NXfhs", "NXhfs+hfs", "NXhfs+", "NXpsk3", "NXpsk10", "NX hfs", "Nhfs", "NXpsk²", "N\nN"]
)
def test_a_name_that_is_no_pattern_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        parse_pattern(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "NX_25519_AESGCM_SHA256",
        "Noise_NX_25519_AESGCM",
        "Noise_NX_25519_AESGCM_SHA256_",
        "Noise_NX_448_AESGCM_SHA256",
        "Noise_NX_25519_ChaChaPoly_SHA256",
        "Noise_NX_25519_AESGCM_SHA1",
        "Noise_NXhfs_25519_AESGCM_SHA256",
        "Noise_NX_25519+MLKEM768_AESGCM_SHA256",
        "Noise_NXhfs_25519+NTRU_AESGCM_SHA256",
    ],
)
def test_a_protocol_name_we_cannot_speak_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        parse_protocol_name(name)


def test_the_product_suites_name_what_they_mean() -> None:
    hybrid = parse_protocol_name("Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256")
    assert (hybrid.dh.length, hybrid.kem is not None and hybrid.kem.public_size) == (32, 1184)
    classic = parse_protocol_name("Noise_NX_FFDHE2048_AESGCM_SHA256")
    assert (classic.dh.length, classic.kem) == (256, None)

import pytest

from entrenous.crypto import AeadId, AeadKey
from entrenous.errors import CryptoError, MalformedError, UsageError
from entrenous.noise import MAX_MESSAGE, TAG_SIZE, CipherState

KEY = bytes(range(32))


def pair() -> tuple[CipherState, CipherState]:
    return CipherState(AeadId.AES_256_GCM, KEY), CipherState(AeadId.AES_256_GCM, KEY)


def test_the_nonce_is_four_zero_bytes_and_the_counter_in_big_endian() -> None:
    sender, _ = pair()
    key = AeadKey(AeadId.AES_256_GCM, KEY)
    for counter in range(3):
        expected = key.seal(bytes(4) + counter.to_bytes(8, "big"), b"text", b"ad")
        assert sender.encrypt_with_ad(b"ad", b"text") == expected


def test_rekey_is_the_first_32_bytes_of_zeros_sealed_under_the_last_nonce() -> None:
    sender, _ = pair()
    sender.encrypt_with_ad(b"", b"one")
    sender.rekey()
    new = AeadKey(AeadId.AES_256_GCM, KEY).seal(bytes(4) + b"\xff" * 8, bytes(32), b"")[:32]
    assert sender.nonce == 1
    assert sender.encrypt_with_ad(b"", b"x") == AeadKey(AeadId.AES_256_GCM, new).seal(
        bytes(4) + (1).to_bytes(8, "big"), b"x", b""
    )


def test_a_failed_message_does_not_use_up_a_counter() -> None:
    sender, receiver = pair()
    sealed = sender.encrypt_with_ad(b"", b"text")
    with pytest.raises(CryptoError):
        receiver.decrypt_with_ad(b"", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert receiver.decrypt_with_ad(b"", sealed) == b"text"


def test_replayed_and_reordered_messages_are_refused() -> None:
    sender, receiver = pair()
    first, second = sender.encrypt_with_ad(b"", b"1"), sender.encrypt_with_ad(b"", b"2")
    with pytest.raises(CryptoError):
        receiver.decrypt_with_ad(b"", second)
    assert receiver.decrypt_with_ad(b"", first) == b"1"
    with pytest.raises(CryptoError):
        receiver.decrypt_with_ad(b"", first)


def test_messages_end_at_65535_bytes() -> None:
    sender, receiver = pair()
    longest = bytes(MAX_MESSAGE - TAG_SIZE)
    assert receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", longest)) == longest
    with pytest.raises(UsageError):
        sender.encrypt_with_ad(b"", longest + b"\0")
    with pytest.raises(MalformedError):
        receiver.decrypt_with_ad(b"", bytes(MAX_MESSAGE + 1))
    with pytest.raises(MalformedError):
        receiver.decrypt_with_ad(b"", bytes(TAG_SIZE - 1))


def test_the_last_counter_is_for_rekey_alone() -> None:
    sender, receiver = pair()
    sender._nonce = receiver._nonce = 2**64 - 2
    assert receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", b"last")) == b"last"
    with pytest.raises(UsageError):
        sender.encrypt_with_ad(b"", b"one too many")
    with pytest.raises(UsageError):
        receiver.decrypt_with_ad(b"", bytes(32))


def test_without_a_key_bytes_pass_through_and_rekey_is_our_bug() -> None:
    plain = CipherState(AeadId.AES_256_GCM)
    assert plain.encrypt_with_ad(b"ad", b"text") == b"text"
    assert plain.decrypt_with_ad(b"ad", b"text") == b"text"
    with pytest.raises(UsageError):
        plain.rekey()


def test_printing_a_cipher_state_shows_no_key() -> None:
    assert KEY.hex() not in repr(pair()[0])

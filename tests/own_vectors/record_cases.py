"""Records and the messages in them (docs/spec/channel.md), under the key of the page's example."""

from typing import Any

from entrenous.channel import LARGEST_MESSAGE, SMALL_MESSAGE, frame_message
from entrenous.channel.records import frame
from entrenous.crypto import AeadId
from entrenous.noise import CipherState
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile
from own_vectors.making import Case, file_of, flipped

KEY = b"\x4b" * 32
DATA, REKEY, CLOSE, PADDING = (bytes((kind,)) for kind in range(4))
HELLO, BYE = b"hello", b"bye"


class Sender:
    """Seals records by hand, right ones and others."""

    def __init__(self, key: bytes = KEY) -> None:
        self.cipher = CipherState(AeadId.AES_256_GCM, key)

    def record(self, plaintext: bytes) -> bytes:
        return frame(self.cipher.encrypt_with_ad(b"", plaintext))

    def rekey(self) -> bytes:
        sealed = self.record(REKEY)
        self.cipher.rekey()
        return sealed


def records(*plaintexts: bytes) -> bytes:
    sender = Sender()
    return b"".join(map(sender.record, plaintexts))


def given(received: bytes, *, largest: int = SMALL_MESSAGE, ended: bool = False) -> dict[str, Any]:
    return {"key": KEY, "largest_message": largest, "received": received, "ended": ended}


def data(*messages: bytes) -> bytes:
    return DATA + b"".join(map(frame_message, messages))


def after_rekey(*, counter_goes_on: bool = True, key_changes: bool = True) -> bytes:
    sender = Sender()
    start = sender.record(data(HELLO))
    if not key_changes:
        return start + sender.record(REKEY) + sender.record(data(BYE))
    start += sender.rekey()
    if counter_goes_on:
        return start + sender.record(data(BYE))
    # The same new key, from counter 0: made by a sender who is told it.
    sealed = Sender()
    sealed.cipher.rekey()
    return start + sealed.record(data(BYE))


def successes() -> list[Case]:
    halves = data(HELLO)[:6], DATA + data(HELLO)[6:]
    return [
        Case("nothing yet", given(b"")),
        Case("one message", given(records(data(HELLO)))),
        Case("an empty message", given(records(data(b"")))),
        Case("two messages in one record", given(records(data(HELLO, BYE)))),
        Case("a message over two records", given(records(*halves))),
        Case("a message byte by byte", given(records(*(DATA + bytes((byte,)) for byte in frame_message(BYE))))),
        Case("a data record that carries nothing", given(records(DATA, data(HELLO)))),
        Case(
            "padding means nothing, wherever it stands",
            given(records(PADDING + b"x" * 40, halves[0], PADDING, halves[1])),
        ),
        Case("a record that is not all there yet", given(records(data(HELLO), data(BYE))[:-1])),
        Case("after a rekey the counter goes on under the new key", given(after_rekey())),
        Case("two rekeys, one after the other", given(two_rekeys())),
        Case("goodbye after a message", given(records(data(HELLO), CLOSE), ended=True)),
        Case("the largest message that may come now", given(records(data(b"m" * 300)), largest=300)),
    ]


def two_rekeys() -> bytes:
    sender = Sender()
    return sender.rekey() + sender.rekey() + sender.record(data(HELLO))


def refusals() -> list[Case]:
    one = records(data(HELLO))
    two = records(data(HELLO), data(BYE))[len(one) :]
    too_large = (LARGEST_MESSAGE + 1).to_bytes(4, "big")
    return [
        Case("a changed bit in a record", given(flipped(one, 5)), CRYPTO),
        Case("a changed bit in a tag", given(flipped(one, -1)), CRYPTO),
        Case("a record that is replayed", given(one + one), CRYPTO),
        Case("two records in the other order", given(two + one), CRYPTO),
        Case("a record left out", given(two), CRYPTO),
        Case("a record under another key", given(Sender(b"\x4c" * 32).record(data(HELLO))), CRYPTO),
        Case("the old key after a rekey", given(after_rekey(key_changes=False)), CRYPTO),
        Case("the counter begins anew after a rekey", given(after_rekey(counter_goes_on=False)), CRYPTO),
        Case("a kind that does not exist", given(records(b"\x04hello")), "CHAN-RECORD-KIND"),
        Case("the highest kind", given(records(b"\xff")), "CHAN-RECORD-KIND"),
        Case("a rekey that carries something", given(records(REKEY + b"\0")), MALFORMED),
        Case("a goodbye that carries something", given(records(CLOSE + b"\0")), MALFORMED),
        Case("a length that no record has", given(bytes.fromhex("0010")), MALFORMED),
        Case("a length of 1", given(bytes.fromhex("0001")), MALFORMED),
        Case("the alert", given(bytes(2)), "CHAN-ALERT"),
        Case("the alert after a message", given(one + bytes(2)), "CHAN-ALERT"),
        Case(
            "a message that is longer than may come now",
            given(records(data(b"m" * 301)), largest=300),
            "CHAN-MESSAGE-SIZE",
        ),
        Case(
            "its length alone is enough to refuse it",
            given(records(DATA + too_large), largest=LARGEST_MESSAGE),
            "CHAN-MESSAGE-SIZE",
        ),
        Case("the stream ends without a goodbye", given(one, ended=True), "CHAN-TRUNCATED"),
        Case("it ends before anything has come", given(b"", ended=True), "CHAN-TRUNCATED"),
        Case("it ends inside a record", given((one + two)[:-1], ended=True), "CHAN-TRUNCATED"),
        Case("a goodbye inside a message", given(records(data(HELLO)[:-1], CLOSE), ended=True), "CHAN-TRUNCATED"),
        Case(
            "a goodbye inside a message's length", given(records(DATA + b"\0\0", CLOSE), ended=True), "CHAN-TRUNCATED"
        ),
    ]


def sealing() -> list[Case]:
    def sent(messages: list[bytes], rekey_after: int = 2**16) -> dict[str, Any]:
        return {"key": KEY, "messages": messages, "rekey_after": rekey_after}

    return [
        Case("nothing but a goodbye", sent([])),
        Case("two messages and a goodbye", sent([HELLO, BYE])),
        Case("an empty message", sent([b""])),
        Case("the key changes after each record", sent([HELLO, BYE, HELLO], 1)),
        Case("the key changes after two records", sent([HELLO, BYE, HELLO], 2)),
    ]


def files() -> list[VectorFile]:
    read = "Read what the other side has sent under one key: all of it, and no more if it has ended."
    write = (
        "Write each message in a record of its own, change the key before the record after so many, and say goodbye."
    )
    return [
        file_of("channel-records", "channel.md", read, successes() + refusals()),
        file_of("channel-records-sealing", "channel.md", write, sealing()),
    ]

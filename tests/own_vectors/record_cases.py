"""Records and the messages in them (docs/spec/channel.md), under the key of the page's example."""

from typing import Any

from entrenous.channel import LARGEST_MESSAGE, SMALL_MESSAGE, frame_message
from entrenous.channel.records import frame
from entrenous.noise import TAG_SIZE
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile
from entrenous.testing.vectors.operations.records import UsedCipher
from own_vectors.making import Case, file_of, flipped

KEY = b"\x4b" * 32
DATA, REKEY, CLOSE, PADDING = (bytes((kind,)) for kind in range(4))
HELLO, BYE = b"hello", b"bye"


#: How many records a sender seals under one key, and a receiver takes.
MOST_SENT, MOST_RECEIVED = 2**16, 2**17


class Sender:
    """Seals records by hand, right ones and others."""

    def __init__(self, key: bytes = KEY, before: int = 0) -> None:
        self.cipher = UsedCipher(key, before)

    def record(self, plaintext: bytes) -> bytes:
        return frame(self.cipher.encrypt_with_ad(b"", plaintext))

    def rekey(self) -> bytes:
        sealed = self.record(REKEY)
        self.cipher.rekey()
        return sealed


def records(*plaintexts: bytes, before: int = 0) -> bytes:
    sender = Sender(before=before)
    return b"".join(map(sender.record, plaintexts))


def given(received: bytes, *, before: int = 0, largest: int = SMALL_MESSAGE, ended: bool = False) -> dict[str, Any]:
    return {"key": KEY, "before": before, "largest_message": largest, "received": received, "ended": ended}


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


def wide_padding(size: int) -> bytes:
    """Padding for a record of so many bytes, the same byte all over when sealed: it can be written in short."""
    zeros = Sender().cipher.encrypt_with_ad(b"", bytes(size - TAG_SIZE))[:-TAG_SIZE]
    stream = bytes(byte ^ 0xCC for byte in zeros)
    return PADDING + stream[1:]


def successes() -> list[Case]:
    halves = data(HELLO)[:6], DATA + data(HELLO)[6:]
    return [
        Case("nothing yet", given(b"")),
        *(
            Case(f"a record of {size:,} bytes", given(records(wide_padding(size), data(HELLO))))
            for size in (16_384, 16_385, 32_768, 65_535)
        ),
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
        Case(
            "the last record that may come under one key",
            given(records(data(HELLO), before=MOST_RECEIVED - 1), before=MOST_RECEIVED - 1),
        ),
        Case(
            "a rekey may come even after that, and the count begins anew",
            given(late_rekey(MOST_RECEIVED), before=MOST_RECEIVED),
        ),
        Case("goodbye after a message", given(records(data(HELLO), CLOSE), ended=True)),
        Case("the largest message that may come now", given(records(data(b"m" * 300)), largest=300)),
    ]


def late_rekey(before: int) -> bytes:
    sender = Sender(before=before)
    return sender.rekey() + sender.record(data(HELLO)) + sender.record(data(BYE))


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


def over_used() -> list[Case]:
    """One record too many under a key, whatever it is."""
    kinds = {"a message": data(HELLO), "padding": PADDING, "a goodbye": CLOSE}
    return [
        *(
            Case(
                f"{name} as the record after 2^17 under one key",
                given(records(plaintext, before=MOST_RECEIVED), before=MOST_RECEIVED),
                "CHAN-REKEY",
            )
            for name, plaintext in kinds.items()
        ),
        Case(
            "two messages where one may come under the key",
            given(records(data(HELLO), data(BYE), before=MOST_RECEIVED - 1), before=MOST_RECEIVED - 1),
            "CHAN-REKEY",
        ),
        Case(
            "the counter begins anew where 2^17 records went before",
            given(records(data(HELLO)), before=MOST_RECEIVED),
            CRYPTO,
        ),
    ]


def sealing() -> list[Case]:
    def sent(messages: list[bytes], times: list[int] | None = None, before: int = 0) -> dict[str, Any]:
        return {"key": KEY, "before": before, "messages": messages, "times": times or [0] * (len(messages) + 1)}

    three = [HELLO, BYE, HELLO]
    return [
        Case("nothing but a goodbye", sent([])),
        Case("two messages and a goodbye", sent([HELLO, BYE])),
        Case("an empty message", sent([b""])),
        Case("the key changes after 2^16 records", sent(three, before=MOST_SENT - 1)),
        Case("before the goodbye too", sent([HELLO], before=MOST_SENT - 1)),
        Case("the last record under a key is no change of it", sent([], before=MOST_SENT - 1)),
        Case("the key changes when it is 900 seconds old, and not before", sent(three, [0, 899, 900, 901])),
        Case("its age begins with its first use", sent(three, [5000, 5899, 5900, 5900])),
        Case("the next one's age begins with the change", sent(three, [100, 1000, 1899, 1900])),
        Case("many records and much time make one change", sent([HELLO], [900, 901], before=MOST_SENT)),
        Case("each change lets both begin anew", sent([*three, BYE], [899, 899, 1798, 1799, 1800], MOST_SENT - 1)),
    ]


def files() -> list[VectorFile]:
    read = "Read what the other side has sent under one key: all of it, and no more if it has ended."
    write = "Write each message in a record of its own, change the key where that is due, and say goodbye."
    return [
        file_of("channel-records", "channel.md", read, successes() + refusals() + over_used()),
        file_of("channel-records-sealing", "channel.md", write, sealing()),
    ]

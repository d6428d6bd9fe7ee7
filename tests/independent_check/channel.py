"""docs/spec/channel.md: preface, certificate, handshake, records."""

from dataclasses import dataclass, field
from typing import Any

from independent_check import mlkem
from independent_check.curves import verify
from independent_check.forms import (
    BrokenError,
    Fields,
    MalformedError,
    Reader,
    fingerprint,
    hkdf,
    seal,
    sha256,
    uint,
    unseal,
)
from independent_check.keys import X25519, Exchange, Ffdhe2048, check_kem_key, decapsulate, kem_public

NAMES = {1: b"Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256", 2: b"Noise_NX_FFDHE2048_AESGCM_SHA256"}
EXCHANGES: dict[int, Exchange] = {1: X25519(), 2: Ffdhe2048()}
KEM_KEY, KEM_CIPHERTEXT, TAG = 1184, 1088, 16
DATA, REKEY, CLOSE, PADDING = range(4)
#: Records after which a sender changes its key, and which a receiver takes under one; seconds likewise for a sender.
MOST_SENT, MOST_RECEIVED, OLDEST = 1 << 16, 1 << 17, 900
#: Bytes of the longest message before a login.
SMALL_MESSAGE = 65_536


def preface(given: Fields) -> dict[str, Any]:
    return {"suite": suite_of(given.hex("received"), (1, 2))}


def suite_of(received: bytes, known: tuple[int, ...]) -> int | None:
    if received[:4] != b"ENTR"[: len(received)]:
        raise BrokenError("CHAN-PREFACE")
    if len(received) < 6:
        return None
    if received[4] != 1:
        raise BrokenError("CHAN-VERSION")
    if received[5] not in known:
        raise BrokenError("CHAN-SUITE")
    return received[5]


def certificate(given: Fields) -> dict[str, Any]:
    return judge(given.hex("certificate"), given["suite"], given.hex("static_key"), given)


def judge(data: bytes, suite: int, static_key: bytes, given: Fields) -> dict[str, Any]:
    """The eight steps, in their order."""
    reader = Reader(data)
    server_id, identity_key = reader.take(32), reader.take(32)
    its_suite, its_key, not_after = reader.uint(1), reader.vector(256), reader.uint(8)
    rotations = [(each.take(32), each.take(32), each.take(64)) for each in reader.items(128, 16)]
    signed, signature = data[: reader.position], reader.take(64)
    reader.end()
    _expect("CHAN-CERT-SUITE", its_suite == suite)
    _expect("CHAN-CERT-KEY", its_key == static_key)
    keys = [rotations[0][0] if rotations else identity_key]
    _expect("CHAN-CERT-ID", fingerprint("entrenous v1 server id", keys[0]) == server_id)
    for old, new, proof in rotations:
        _expect("CHAN-CERT-ROTATION", old == keys[-1] and new not in keys)
        verify(old, "entrenous v1 server rotation", server_id + old + new, proof)
        keys.append(new)
    _expect("CHAN-CERT-ROTATION", keys[-1] == identity_key)
    pin, known_key = given["pin"], given["known_key"]
    _expect("CHAN-PIN", pin is None or bytes.fromhex(pin) == server_id)
    _expect("CHAN-CERT-ROLLBACK", known_key is None or bytes.fromhex(known_key) in keys)
    verify(identity_key, "entrenous v1 server certificate", signed, signature)
    _expect("CHAN-CERT-EXPIRED", given["now"] <= not_after)
    return {"server_id": server_id.hex(), "identity_key": identity_key.hex(), "rotations": len(rotations)}


def _expect(rule: str, holds: bool) -> None:
    if not holds:
        raise BrokenError(rule)


class Noise:
    """The symmetric state of either side."""

    def __init__(self, suite: int) -> None:
        name = NAMES[suite]
        self.ck = self.h = sha256(name) if len(name) > 32 else name.ljust(32, b"\0")
        self.key = b""
        self.chaining_keys: list[str] = []
        self.hash(b"ENTR\x01" + uint(suite, 1))

    def hash(self, data: bytes) -> None:
        self.h = sha256(self.h + data)

    def mix(self, secret: bytes) -> None:
        both = hkdf(secret, b"", 64, salt=self.ck)
        self.ck, self.key = both[:32], both[32:]
        self.chaining_keys.append(self.ck.hex())

    def open(self, ciphertext: bytes) -> bytes:
        """What follows each key is one message under it, so the counter is 0; a second one has 1."""
        plaintext = unseal(self.key, bytes(12), ciphertext, self.h)
        self.hash(ciphertext)
        return plaintext

    def seal(self, plaintext: bytes) -> bytes:
        ciphertext = seal(self.key, bytes(12), plaintext, self.h)
        self.hash(ciphertext)
        return ciphertext

    def results(self) -> dict[str, Any]:
        both = hkdf(b"", b"", 64, salt=self.ck)
        return {
            "chaining_keys": self.chaining_keys,
            "handshake_hash": self.h.hex(),
            "client_key": both[:32].hex(),
            "server_key": both[32:].hex(),
        }


def frame_of(reader: Reader, least: int, most: int) -> bytes:
    """The content of the one frame that comes; nothing comes after what is there."""
    if len(reader.data) - reader.position < 2:
        raise BrokenError("CHAN-TRUNCATED")
    size = reader.uint(2)
    if size == 0:
        raise BrokenError("CHAN-ALERT")
    if not least <= size <= most:
        raise MalformedError
    if len(reader.data) - reader.position < size:
        raise BrokenError("CHAN-TRUNCATED")
    return reader.take(size)


def client_handshake(given: Fields) -> dict[str, Any]:
    suite, ephemeral = given["suite"], given.hex("ephemeral")
    dh, noise = EXCHANGES[suite], Noise(suite)
    first = dh.public(ephemeral)
    noise.hash(first)
    if suite == 1:
        noise.hash(kem_public(given.hex("kem_seed")))
        first += kem_public(given.hex("kem_seed"))
    noise.hash(b"")
    sent = b"ENTR\x01" + uint(suite, 1) + uint(len(first), 2) + first
    received = Reader(given.hex("received"))
    message = Reader(frame_of(received, 1, 8192))
    theirs = message.take(dh.size)
    noise.hash(theirs)
    noise.mix(dh.secret(ephemeral, theirs))
    if suite == 1:
        noise.mix(decapsulate(given.hex("kem_seed"), noise.open(message.take(KEM_CIPHERTEXT + TAG))))
    static = noise.open(message.take(dh.size + TAG))
    noise.mix(dh.secret(ephemeral, static))
    payload = message.rest()
    if len(payload) < TAG:
        raise MalformedError
    who = judge(noise.open(payload), suite, static, given)
    keys = noise.results()
    return {"sent": sent.hex(), **who, **keys, **said_back(received, keys["server_key"], keys["client_key"])}


def server_handshake(given: Fields) -> dict[str, Any]:
    suite, received = given["suite"], Reader(given.hex("received"))
    dh, noise = EXCHANGES[suite], Noise(suite)
    if suite_of(received.data[:6], (suite,)) is None:
        raise BrokenError("CHAN-TRUNCATED")
    received.take(6)
    size = dh.size + (KEM_KEY if suite == 1 else 0)
    message = Reader(frame_of(received, size, size))
    theirs, their_kem_key = message.take(dh.size), message.rest()
    noise.hash(theirs)
    if suite == 1:
        noise.hash(their_kem_key)
    noise.hash(b"")
    answer = dh.public(given.hex("ephemeral"))
    noise.hash(answer)
    noise.mix(dh.secret(given.hex("ephemeral"), theirs))
    if suite == 1:
        check_kem_key(their_kem_key)
        secret, ciphertext = mlkem.encapsulate(given.hex("encapsulation"), their_kem_key)
        answer += noise.seal(ciphertext)
        noise.mix(secret)
    answer += noise.seal(dh.public(given.hex("static")))
    noise.mix(dh.secret(given.hex("static"), theirs))
    answer += noise.seal(given.hex("certificate"))
    keys = noise.results()
    sent = uint(len(answer), 2) + answer
    return {"sent": sent.hex(), **keys, **said_back(received, keys["client_key"], keys["server_key"])}


@dataclass
class Direction:
    """A key, its counter, and how many records have passed under it."""

    key: bytes
    counter: int
    under_key: int = field(init=False)

    def __post_init__(self) -> None:
        self.under_key = self.counter

    def _nonce(self) -> bytes:
        self.counter += 1
        self.under_key += 1
        return bytes(4) + uint(self.counter - 1, 8)

    def open(self, ciphertext: bytes) -> bytes:
        return unseal(self.key, self._nonce(), ciphertext, b"")

    def record(self, plaintext: bytes) -> bytes:
        sealed = seal(self.key, self._nonce(), plaintext, b"")
        return uint(len(sealed), 2) + sealed

    def rekey(self) -> None:
        self.key = seal(self.key, bytes(4) + b"\xff" * 8, bytes(32), b"")[:32]
        self.under_key = 0


class Stream:
    """The messages in the bodies of data records."""

    def __init__(self, largest: int) -> None:
        self.waiting, self.messages, self._largest = b"", list[str](), largest

    def add(self, body: bytes) -> None:
        self.waiting += body
        while len(self.waiting) >= 4:
            end = 4 + int.from_bytes(self.waiting[:4], "big")
            _expect("CHAN-MESSAGE-SIZE", end - 4 <= self._largest)
            if len(self.waiting) < end:
                return
            self.messages.append(self.waiting[4:end].hex())
            self.waiting = self.waiting[end:]


def receive(given: Fields) -> dict[str, Any]:
    direction, stream = Direction(given.hex("key"), given["before"]), Stream(given["largest_message"])
    closed = read_records(Reader(given.hex("received")), direction, stream, ended=given["ended"])
    return {"messages": stream.messages, "closed": closed}


def read_records(reader: Reader, direction: Direction, stream: Stream, *, ended: bool) -> bool:
    """Whether the other side has said goodbye."""
    closed = False
    while not closed:
        try:
            ciphertext = frame_of(reader, 17, 65535)
        except BrokenError as cut_off:
            if cut_off.how == "CHAN-TRUNCATED" and not ended:
                break
            raise
        plaintext = direction.open(ciphertext)
        kind, body = plaintext[0], plaintext[1:]
        _expect("CHAN-RECORD-KIND", kind <= PADDING)
        if body and kind in (REKEY, CLOSE):
            raise MalformedError
        _expect("CHAN-REKEY", direction.under_key <= MOST_RECEIVED or kind == REKEY)
        if kind == DATA:
            stream.add(body)
        elif kind == REKEY:
            direction.rekey()
        closed = kind == CLOSE
    _expect("CHAN-TRUNCATED", not (closed and stream.waiting))
    return closed


def said_back(received: Reader, theirs: str, ours: str) -> dict[str, Any]:
    """The messages behind a handshake, under their key, and each said back in a record of its own under ours."""
    stream, own = Stream(SMALL_MESSAGE), Direction(bytes.fromhex(ours), 0)
    read_records(received, Direction(bytes.fromhex(theirs), 0), stream, ended=False)
    said = b"".join(
        own.record(uint(DATA, 1) + uint(len(each) // 2, 4) + bytes.fromhex(each)) for each in stream.messages
    )
    return {"heard": stream.messages, "said": said.hex()}


def send(given: Fields) -> dict[str, Any]:
    direction, sent, first_use = Direction(given.hex("key"), given["before"]), b"", 0
    messages = map(bytes.fromhex, given["messages"])
    plaintexts = (*(uint(DATA, 1) + uint(len(each), 4) + each for each in messages), uint(CLOSE, 1))
    for plaintext, now in zip(plaintexts, given["times"], strict=True):
        if direction.under_key and (direction.under_key >= MOST_SENT or now - first_use >= OLDEST):
            sent += direction.record(uint(REKEY, 1))
            direction.rekey()
        if not direction.under_key:
            first_use = now
        sent += direction.record(plaintext)
    return {"sent": sent.hex()}

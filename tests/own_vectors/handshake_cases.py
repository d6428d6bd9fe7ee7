"""The handshake of both sides in both suites (docs/spec/channel.md), everything random named."""

import dataclasses
import itertools
from typing import Any

from bad_points import KnowingDH, bad_points, known_secrets, unreduced_keys
from entrenous.channel import CLASSIC, HYBRID, SMALL_MESSAGE, Suite
from entrenous.channel.preface import PREFACE_SIZE, encode_preface
from entrenous.channel.records import HEADER_SIZE, frame
from entrenous.crypto import MLKEM768, DHKeyPair
from entrenous.identity import ServerIdentityKey, issue_certificate
from entrenous.noise import HandshakeState
from entrenous.testing.vectors import CRYPTO, MALFORMED, SUCCESS, VectorFile, run
from entrenous.testing.vectors.encapsulation import seeded_encapsulator
from entrenous.testing.vectors.entropy import named
from own_vectors.making import Case, file_of, flipped, plain
from own_vectors.people import NOT_AFTER, OTHER_SERVER, SERVER, key
from own_vectors.record_cases import BYE, DATA, HELLO, Sender, data

#: Private keys and randomness, the same in both suites. An exponent of FFDHE2048 has its highest bit set.
CLIENT_EPHEMERAL, SERVER_EPHEMERAL, STATIC = (bytes(range(start, start + 32)) for start in (0x90, 0xB0, 0xD0))
#: The last two bytes of a client's ephemeral exponent with which a number of suite 2 is shorter than 256 bytes.
SHORT = {"its public key": 454, "the result of ee": 36, "the result of es": 31}
KEM_SEED, ENCAPSULATION = bytes(range(0x40)), bytes(range(0x40, 0x60))
ONCE = SERVER.rotate(key(0x03))
#: Bytes of a tag.
TAG = 16


def secrets(suite: Suite, **fields: bytes) -> dict[str, Any]:
    """The fields that name randomness; those of the KEM in suite 1 alone."""
    return fields if suite.noise.kem else {name: value for name, value in fields.items() if name not in KEM_FIELDS}


KEM_FIELDS = ("kem_seed", "encapsulation")


def seeded(suite: Suite) -> Suite:
    """With an encapsulation that entropy decides."""
    if suite.noise.kem is None:
        return suite
    kem = MLKEM768.with_encapsulator(seeded_encapsulator)
    return dataclasses.replace(suite, noise=dataclasses.replace(suite.noise, kem=kem))


def message_1(suite: Suite, ephemeral: bytes = CLIENT_EPHEMERAL) -> bytes:
    return suite.noise.dh.generate(named(ephemeral)).public + (
        MLKEM768.key_pair(KEM_SEED).public if suite.noise.kem else b""
    )


def static_of(suite: Suite) -> DHKeyPair:
    return suite.noise.dh.generate(named(STATIC))


def certificate(suite: Suite, identity: ServerIdentityKey = SERVER, /, **others: Any) -> bytes:
    fields = {"suite": suite.number, "static_key": static_of(suite).public, "not_after": NOT_AFTER}
    return issue_certificate(identity, **{**fields, **others})


def answer(
    suite: Suite, *, first: bytes | None = None, payload: bytes | None = None, prologue: bytes | None = None
) -> bytes:
    """Message 2 of a server that does everything right but what is said here."""
    return answer_of(seeded(suite), static_of(suite), first, payload, prologue)


def answer_of(
    suite: Suite, static: DHKeyPair, first: bytes | None, payload: bytes | None, prologue: bytes | None
) -> bytes:
    noise = HandshakeState(
        suite.noise,
        initiator=False,
        entropy=named(SERVER_EPHEMERAL, ENCAPSULATION),
        prologue=prologue or encode_preface(suite),
        static=static,
    )
    noise.read_message(first or message_1(suite))
    return noise.write_message(certificate(suite) if payload is None else payload)


def knowing_answer(suite: Suite, point: bytes, guess: int, *, ephemeral: bool) -> bytes:
    """Message 2 of a trusted server with a bad point in it, who goes on with the secret that comes of it."""
    dh = KnowingDH(suite.noise.dh, point, guess, ephemeral=ephemeral)
    static = dh.static(named(STATIC))
    knows = dataclasses.replace(seeded(suite), noise=dataclasses.replace(seeded(suite).noise, dh=dh))
    return answer_of(knows, static, message_1(suite), certificate(suite, static_key=static.public), None)


def client(suite: Suite, received: bytes, **others: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"suite": suite.number, "pin": SERVER.server_id, "known_key": None, "now": NOT_AFTER}
    return {**fields, **secrets(suite, ephemeral=CLIENT_EPHEMERAL, kem_seed=KEM_SEED), "received": received, **others}


def client_successes(suite: Suite) -> list[Case]:
    right, seen = frame(answer(suite)), {"known_key": SERVER.signing_key.public}
    rotated = frame(answer(suite, payload=certificate(suite, ONCE)))
    return [
        Case(f"{suite.label}: the pinned server", client(suite, right)),
        Case(f"{suite.label}: its identity key was rotated since", client(suite, rotated, **seen)),
        Case(f"{suite.label}: each side's key is its own", with_messages("client", client(suite, right), HELLO, BYE)),
    ]


def short_numbers() -> list[tuple[str, bytes]]:
    """Clients of suite 2 with a public key or a secret that begins with a zero byte, which belongs to it."""
    dh, ephemerals = (
        CLASSIC.noise.dh,
        {name: CLIENT_EPHEMERAL[:-2] + end.to_bytes(2, "big") for name, end in SHORT.items()},
    )
    numbers = {
        name: (
            pair.public,
            dh.exchange(pair.private, server.public),
            dh.exchange(pair.private, static_of(CLASSIC).public),
        )
        for name, ephemeral in ephemerals.items()
        for pair, server in [(dh.generate(named(ephemeral)), dh.generate(named(SERVER_EPHEMERAL)))]
    }
    assert all(not numbers[name][place][0] for place, name in enumerate(SHORT))
    return [(f"classic: {name} begins with a zero byte", ephemeral) for name, ephemeral in ephemerals.items()]


def with_messages(side: str, given: dict[str, Any], *messages: bytes) -> dict[str, Any]:
    """With records of the other side behind its part of the handshake."""
    outcome, results = run(f"channel-handshakes-{side}", plain(given))
    assert outcome == SUCCESS, outcome
    sender = Sender(bytes.fromhex(results["server_key" if side == "client" else "client_key"]))
    return {**given, "received": given["received"] + b"".join(sender.record(data(each)) for each in messages)}


def client_refusals(suite: Suite) -> list[Case]:
    right = answer(suite)
    size = suite.noise.dh.length
    kem = suite.noise.kem.ciphertext_size + TAG if suite.noise.kem else 0
    other_preface = encode_preface(CLASSIC if suite is HYBRID else HYBRID)
    elsewhere = message_1(suite, ephemeral=b"\xee" * 32)
    changed = {
        "e": flipped(right, 0),
        "the encrypted s": flipped(right, size + kem),
        "the certificate": flipped(right, -TAG - 1),
        "the last tag": flipped(right, -1),
    } | (
        {"the encrypted ekem1": flipped(right, size), "the tag of ekem1": flipped(right, size + kem - 1)} if kem else {}
    )
    made_wrong = {
        "a byte after its end": right + b"\0",
        "cut off in its payload": right[:-1],
        "of a server that saw another suite in the preface": answer(suite, prologue=other_preface),
        "of a server that saw another message 1": answer(suite, first=elsewhere),
    }
    return [
        *(
            Case(f"{suite.label}: a changed bit in {name}", client(suite, frame(data)), CRYPTO)
            for name, data in changed.items()
        ),
        *(
            Case(f"{suite.label}: message 2 {name}", client(suite, frame(data)), CRYPTO)
            for name, data in made_wrong.items()
        ),
        Case(f"{suite.label}: message 2 cut off in its keys", client(suite, frame(right[: size + kem])), MALFORMED),
        Case(f"{suite.label}: the end of the stream in message 2", client(suite, frame(right)[:-1]), "CHAN-TRUNCATED"),
    ]


def judged() -> list[Case]:
    """What the certificate is refused for; in suite 2, whose messages are short."""
    suite = CLASSIC
    payloads = {
        "another server": (certificate(suite, OTHER_SERVER), "CHAN-PIN"),
        "the other suite's certificate": (certificate(suite, suite=HYBRID.number), "CHAN-CERT-SUITE"),
        "the certificate of another static key": (certificate(suite, static_key=b"\x05" * 256), "CHAN-CERT-KEY"),
        "a certificate that has ended": (certificate(suite, not_after=NOT_AFTER - 1), "CHAN-CERT-EXPIRED"),
        "no certificate": (b"", MALFORMED),
    }
    rolled_back = client(suite, frame(answer(suite)), known_key=ONCE.signing_key.public)
    return [
        *(Case(name, client(suite, frame(answer(suite, payload=data))), end) for name, (data, end) in payloads.items()),
        Case("an identity key that was rotated out", rolled_back, "CHAN-CERT-ROLLBACK"),
        Case("the alert", client(suite, bytes(2)), "CHAN-ALERT"),
        Case("nothing", client(suite, b""), "CHAN-TRUNCATED"),
        Case("a frame that announces 8193 bytes", client(suite, bytes.fromhex("2001")), MALFORMED),
        Case("a frame that announces 8192 bytes", client(suite, bytes.fromhex("2000")), "CHAN-TRUNCATED"),
    ]


def bad_server_points(suite: Suite, points: list[bytes]) -> list[Case]:
    """A server that the client trusts, with a key that gives away the secret."""
    theirs = message_1(suite)[: suite.noise.dh.length]
    cases = []
    for point, (ephemeral, place) in itertools.product(points, ((True, "ephemeral"), (False, "certified static"))):
        for guess in range(len(known_secrets(suite.noise.dh, point, theirs))):
            name = f"{point.lstrip(bytes(1)).hex()[:16] or '0'}…{point.hex()[-8:]}, guess {guess + 1}"
            comment = f"{suite.label}: a bad point as the server's {place} key: {name}"
            received = frame(knowing_answer(suite, point, guess, ephemeral=ephemeral))
            cases.append(Case(comment, client(suite, received), CRYPTO))
    return cases


def server(suite: Suite, received: bytes) -> dict[str, Any]:
    drawn = secrets(suite, ephemeral=SERVER_EPHEMERAL, encapsulation=ENCAPSULATION)
    return {"suite": suite.number, "static": STATIC, "certificate": certificate(suite), **drawn, "received": received}


def server_cases(suite: Suite, points: list[bytes]) -> list[Case]:
    first, preface = message_1(suite), encode_preface(suite)
    size = len(first)
    other = encode_preface(CLASSIC if suite is HYBRID else HYBRID)
    wrong: dict[str, tuple[bytes, str]] = {
        "a web browser": (b"GET / HTTP/1.1\r\n", "CHAN-PREFACE"),
        "another version": (b"ENTR\x02" + preface[5:] + frame(first), "CHAN-VERSION"),
        "a suite that does not exist": (b"ENTR\x01\x03" + frame(first), "CHAN-SUITE"),
        "a suite that this server has off": (other, "CHAN-SUITE"),
        "the alert": (preface + bytes(2), "CHAN-ALERT"),
        "message 1 a byte too short": (preface + frame(first[:-1]), MALFORMED),
        "message 1 with a payload": (preface + frame(first + b"\0"), MALFORMED),
        "message 1 announced a byte too long": (preface + (size + 1).to_bytes(HEADER_SIZE, "big"), MALFORMED),
        "the end of the stream in message 1": ((preface + frame(first))[:-1], "CHAN-TRUNCATED"),
        "the end of the stream in the preface": (preface[: PREFACE_SIZE - 1], "CHAN-TRUNCATED"),
        **{f"a bad point as e: {n + 1}": (preface + frame(p + first[len(p) :]), CRYPTO) for n, p in enumerate(points)},
    }
    if suite.noise.kem:
        ends = unreduced_keys(first[32:], (0, 767))
        wrong |= {
            f"a coefficient of e1 is not reduced: {n + 1}": (preface + frame(first[:32] + bad), CRYPTO)
            for n, bad in enumerate(ends)
        }
    right = server(suite, preface + frame(first))
    return [
        Case(f"{suite.label}: a client", right),
        Case(f"{suite.label}: each side's key is its own", with_messages("server", right, HELLO, BYE)),
        *before_login(suite, right),
        *(Case(f"{suite.label}: {name}", server(suite, data), end) for name, (data, end) in wrong.items()),
    ]


def before_login(suite: Suite, right: dict[str, Any]) -> list[Case]:
    """What is refused behind a right handshake: more than a client may send yet, and a record under the wrong key."""
    _, results = run("channel-handshakes-server", plain(right))
    ours, theirs = (bytes.fromhex(results[name]) for name in ("client_key", "server_key"))
    length = (SMALL_MESSAGE + 1).to_bytes(4, "big")
    ends = {
        "a message of 65,537 bytes before a login": (Sender(ours).record(DATA + length), "CHAN-MESSAGE-SIZE"),
        "the server's own key": (Sender(theirs).record(data(HELLO)), CRYPTO),
    }
    return [
        Case(f"{suite.label}: {name}", {**right, "received": right["received"] + record}, end)
        for name, (record, end) in ends.items()
    ]


def some(points: tuple[bytes, ...]) -> list[bytes]:
    """Of the 14 encodings in suite 1: 0, 1, a point of order 8, p - 1, and one that is not canonical."""
    return [points[place] for place in (0, 2, 4, 8, 13)]


def files() -> list[VectorFile]:
    few, all_classic = some(bad_points(HYBRID.noise.dh)), list(bad_points(CLASSIC.noise.dh))
    clients = [
        *(case for suite in (HYBRID, CLASSIC) for case in (*client_successes(suite), *client_refusals(suite))),
        *(
            Case(name, client(CLASSIC, frame(answer(CLASSIC, first=message_1(CLASSIC, each))), ephemeral=each))
            for name, each in short_numbers()
        ),
        *judged(),
        *bad_server_points(HYBRID, few[:2]),
        *bad_server_points(CLASSIC, all_classic),
    ]
    servers = [
        *server_cases(HYBRID, few),
        *server_cases(CLASSIC, all_classic),
        *(
            Case(name, server(CLASSIC, encode_preface(CLASSIC) + frame(message_1(CLASSIC, each))))
            for name, each in short_numbers()
        ),
    ]
    return [
        file_of(
            "channel-handshakes-client", "channel.md", "A client's handshake, as far as it accepts the server.", clients
        ),
        file_of("channel-handshakes-server", "channel.md", "A server's handshake, with one suite on.", servers),
    ]

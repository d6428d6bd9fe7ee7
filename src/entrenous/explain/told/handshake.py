"""Chapter 1, the handshake: two strangers get keys that nobody who listens has."""

from entrenous.channel import PREFACE_SIZE, Suite
from entrenous.crypto import TAG_SIZE
from entrenous.explain.drawings import Arrow, Part, Sequence
from entrenous.explain.model import Chapter, Source, Step
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.handshake import Handshake
from entrenous.explain.run.recorder import agree
from entrenous.explain.told.parts import alone, both, noise, page, public
from entrenous.identity import ServerCertificate

#: Bytes of a frame's length.
_FRAME = 2
#: What Noise calls by a number alone.
_NAMES = {"25519": "X25519"}
_HFS = Source("Noise extension: hybrid forward secrecy (hfs)", "sections 4 and 5")


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    made = conversation.handshake
    return Chapter(
        "handshake",
        "The handshake",
        "A client and a server have never met, and the network between them belongs to somebody else. Two messages "
        f"later they share keys that nobody else has. This run uses the {made.line.suite.label} suite: "
        f"{made.line.suite.noise.name}.",
        (_first(made), _second(made), _identity(made), _split(made), _attacks(made)),
    )


def _first(made: Handshake) -> Step:
    suite = made.line.suite
    dh, kem = suite.noise.dh, suite.noise.kem
    message = made.first[PREFACE_SIZE + _FRAME :]
    key, draws = message[: dh.length], made.line.client_draws.values
    pair = dh.generate(lambda _: draws[0])
    agree("e is the public key of what the client drew", pair.public, key)
    values = [
        public("preface", made.first[:PREFACE_SIZE], "ENTR, version, suite"),
        alone("private key of e", pair.private.reveal(), "forgotten when the handshake is over"),
        public("e", key, f"{_dh(suite)} public key"),
    ]
    if kem is not None:
        kem_pair = kem.generate(lambda _: draws[1])
        agree("e1 is the public key of what the client drew", kem_pair.public, message[dh.length :])
        values += [
            alone("seed of e1", kem_pair.private.reveal(), "the private key; forgotten as well"),
            public("e1", message[dh.length :], f"{kem.name} encapsulation key"),
        ]
    second_kind = (
        f" The second, e1, is for {kem.name}, a scheme that is believed to withstand a quantum computer." if kem else ""
    )
    return Step(
        "Message 1: keys for this connection alone",
        "The client begins with six bytes in clear, the preface: the letters ENTR, the version of the protocol and "
        "the suite that it insists on. Behind them, with their length in front, come its fresh public keys. The "
        f"first, e, is for {_dh(suite)}.{second_kind} The private halves were made a moment ago. Nothing is encrypted "
        "yet, for there is nobody to share a key with.",
        "A key that lives for one handshake cannot be stolen the year after. That is forward secrecy: what is "
        "recorded today stays closed, whatever is stolen later. The preface is not encrypted, but both sides hash "
        "it into the handshake, so nobody changes it unnoticed.",
        "With one key for all connections, whoever steals it from a disk opens every recording that he ever made."
        + (
            " Without e1, a recording of today would open once somebody has a large quantum computer."
            if kem
            else " This suite has no post-quantum part: a recording of it would open once somebody has a large "
            "quantum computer. The default suite, hybrid, has one."
        ),
        tuple(values),
        (*noise("5.3", "7.5"), *((_HFS,) if kem else ())),
        page("channel", "preface", "handshake"),
        drawing=_picture(made),
    )


def _second(made: Handshake) -> Step:
    suite, trace = made.line.suite, made.line.client_trace
    kem = suite.noise.kem
    parts = _second_parts(made, suite)
    values = [
        public("e of the server", parts["e"], f"{_dh(suite)} public key"),
        both("ck after ee", trace.after("ee", "ck"), "chaining key"),
        both("k after ee", trace.after("ee", "k"), "encryption key"),
    ]
    more = ""
    if kem is not None:
        more = (
            f" Under k the server sends ekem1: a random secret that it has encapsulated to e1 with {kem.name}. Only "
            "the client can take it out again. That secret goes into ck as well, and a new k comes out."
        )
        values += [
            public("ekem1, encrypted", parts["ekem1"], f"{kem.name} ciphertext under k, with a tag"),
            both("ck after ekem1", trace.after("ekem1", "ck"), "both secrets are in it"),
            both("k after ekem1", trace.after("ekem1", "k"), "replaces the former k"),
        ]
    return Step(
        "Message 2: secrets that only these two can have",
        "The server makes a fresh key e of its own. Now each side combines its own private key with the other's "
        "public key, and both get the same result, ee: that is Diffie-Hellman. It goes into the chaining key ck, and "
        f"an encryption key k comes out.{more} In this way ck collects every secret of the handshake. Beside it, the "
        "hash h collects every byte that was sent; it is authenticated with each thing that is encrypted.",
        "Somebody who listens has both public keys and still cannot compute ee."
        + (
            " Two schemes are better than one: X25519 has withstood some twenty years of attacks but falls to a "
            "quantum computer, ML-KEM should not, but is young. Because both secrets go into ck, whoever wants to "
            "open this connection has to break both."
            if kem
            else ""
        ),
        "If the server's static key did it alone, whoever steals that key would open all that he has recorded."
        + (" With ee alone, all would hang on X25519; with ekem1 alone, on ML-KEM." if kem else ""),
        tuple(values),
        (*noise("5.2", "5.3"), *((_HFS, Source("FIPS 203", "section 7")) if kem else ())),
        page("channel", "handshake"),
    )


def _identity(made: Handshake) -> Step:
    suite, trace = made.line.suite, made.line.client_trace
    parts = _second_parts(made, suite)
    certificate = made.host.credentials[suite.number].certificate
    read = ServerCertificate.decode(certificate)
    peer = made.line.client.peer
    checks = (
        agree("The certificate names the static key that the handshake used.", read.tbs.static_key,
              made.host.credentials[suite.number].static.public),
        agree("The server id in it is the one that the client has pinned.", read.tbs.server_id,
              made.host.identity.server_id, peer.server_id if peer else None),
    )  # fmt: skip
    return Step(
        "Message 2: the server shows who it is",
        "The server goes on with its static key s, already encrypted. es combines the client's e with that s: but for "
        "the client, only who has the private half of s can compute the next k. Under it comes the certificate. In it, "
        "the server's identity key has signed this static key, for this suite, until a date. The client checks the "
        "signature and the date, that the certificate names the very key it has just used, and that the fingerprint "
        "of the server's first identity key is the server id. That id came with the invite link, and the client has "
        "pinned it.",
        "A secret shared with a stranger protects from everybody but the stranger. The pin says who it is: no "
        "certificate authority and no name service has a say. And because s and the certificate travel encrypted, "
        "somebody who only listens does not see which server this is.",
        "Somebody in the middle would make one handshake with the client and another with the server, and read "
        "and change everything that passes.",
        (
            public("s, encrypted", parts["s"], "static key under k, with a tag"),
            both("s", read.tbs.static_key, f"the server's {_dh(suite)} static key"),
            both("ck after es", trace.after("es", "ck"), ""),
            both("k after es", trace.after("es", "k"), "opens the certificate"),
            public("certificate, encrypted", parts["certificate"], "under k, with a tag"),
            both("certificate", certificate, ""),
            both("identity key", read.tbs.identity_key, "Ed25519; signs the certificate"),
            both("server id", read.tbs.server_id, "the pin; stands in the invite link"),
        ),
        noise("5.3", "7.5", "14"),
        page("channel", "certificate"),
        checks,
    )


def _split(made: Handshake) -> Step:
    return Step(
        "Two keys, and a hash that names this connection",
        "From the last ck come two keys, one for each direction, and ck is forgotten. The hash h now covers the "
        "preface, both messages and with them every key that was sent. This is the handshake hash. It is the same "
        "on both sides, and another one on every other connection.",
        "Each direction counts its records from 0 and uses the count as a nonce. AES-GCM loses its protection when "
        "one key sees one nonce twice, so the directions must not share a key. The handshake hash lets everything "
        "that follows say: on this connection. Chapter 2 binds every login to it.",
        "With one key for both directions, a record could be sent back to who wrote it, and would open. Without the "
        "hash, a relay could carry a login from one connection to another.",
        (
            both("k initiator", made.client_key, "records from client to server"),
            both("k responder", made.server_key, "records from server to client"),
            both("h", made.hash, "handshake hash"),
        ),
        noise("5.2", "11.2"),
        page("channel", "handshake", "records"),
        made.checks,
    )


def _attacks(made: Handshake) -> Step:
    return Step(
        "Five attacks on the handshake",
        "Five more handshakes were begun with this server, and somebody in the middle did something to each. Below "
        "are the errors that the real code raised. Who finds a fault sends two zero bytes at most, and never says "
        "what was wrong; a client that does not believe a certificate sends nothing at all.",
        "Everything that was sent is in h, and h is authenticated with each encrypted part. So a changed byte, "
        "also one that travels in clear, ends the connection at the latest with the first thing that is opened.",
        "Whoever could change one byte unnoticed could ask for a weaker suite, or put his own key in place of another.",
        (public("handshakes disturbed", str(len(made.attempts)), "each by a connection of its own"),),
        noise("5.2", "14"),
        page("channel", "certificate", "handshake") + page("tampering", "tampering"),
        attempts=made.attempts,
    )


def _dh(suite: Suite) -> str:
    """What people call the Diffie-Hellman function."""
    name = suite.noise.dh.name
    return _NAMES.get(name, name)


def _second_parts(made: Handshake, suite: Suite) -> dict[str, bytes]:
    """Message 2, cut where its tokens end."""
    dh, kem = suite.noise.dh, suite.noise.kem
    sizes = [("e", dh.length)]
    if kem is not None:
        sizes.append(("ekem1", kem.ciphertext_size + TAG_SIZE))
    sizes.append(("s", dh.length + TAG_SIZE))
    rest, parts = made.second[_FRAME:], {}
    for name, size in sizes:
        parts[name], rest = rest[:size], rest[size:]
    return {**parts, "certificate": rest}


def _picture(made: Handshake) -> Sequence:
    suite = made.line.suite
    kem = suite.noise.kem
    first = [Part("preface", PREFACE_SIZE, hidden=False), Part("length", _FRAME, hidden=False)]
    first.append(Part("e", suite.noise.dh.length, hidden=False))
    if kem is not None:
        first.append(Part("e1", kem.public_size, hidden=False))
    second = [Part("length", _FRAME, hidden=False)]
    second += [Part(name, len(data), hidden=name != "e") for name, data in _second_parts(made, suite).items()]
    return Sequence(
        "The two messages of the handshake",
        "client",
        "server",
        (
            Arrow("message 1", rightwards=True, size=len(made.first), parts=tuple(first)),
            Arrow("message 2", rightwards=False, size=len(made.second), parts=tuple(second)),
        ),
        ("both keys, h", "who the server is"),
        ("both keys, h", "not yet who the client is"),
    )

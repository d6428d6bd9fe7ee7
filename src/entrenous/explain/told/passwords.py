"""Chapter 2, OPAQUE: a password is proved that the server never sees; then a device that comes back without one."""

from entrenous.explain.drawings import Arrow, Part, Sequence
from entrenous.explain.model import Chapter, Source, Step
from entrenous.explain.run.accounts import Account
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.told.parts import alone, both, opaque, page, public, servers
from entrenous.opaque import KE1, KE2, RegistrationRecord, RegistrationResponse

_OPRF = Source("RFC 9497", "section 3.3.1")


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    account = conversation.account
    return Chapter(
        "opaque",
        "The password, and OPAQUE",
        "Alice registers and logs in with a password. The server can tell that it was right, and yet is never told "
        "it. What it keeps lets it guess, at a price that step 2.2 names, and no more. In this run both happen on "
        "the connection of chapter 1; the real client takes a new one for each login.",
        (
            _blinding(conversation),
            _record(conversation),
            _exchange(account),
            _proof(account),
            _attacks(account),
            _device(account),
        ),
    )


def _blinding(conversation: Conversation) -> Step:
    account = conversation.account
    made = account.registration
    response = RegistrationResponse.decode(made.response)
    return Step(
        "Registration: the server helps, blindfolded",
        "Alice's client maps the password to a point of the group ristretto255 and multiplies it by a random number, "
        "the blind. Only this blinded point goes to the server. The server multiplies it by a key that it derives "
        "for this one account from its OPRF seed, and sends the result back with its public key. The client takes "
        "the blind away again. What is left depends on the password and on the server's key, and neither side has "
        "learnt the other's part. This is an oblivious pseudorandom function, OPRF for short.",
        "The blinded point is a uniformly random one: it fits every password equally well. And the client cannot "
        "compute the result for a guess without asking the server, which counts the questions.",
        "A server that is sent the password, though the line is encrypted, can write it to a log, lose it, or be "
        "made to hand it over. People use one password in many places.",
        (
            alone("password", account.password, "suggested by the product; five random words"),
            alone("blind", made.blind, "a random scalar"),
            both("blinded_message", made.request, "all that the server gets of the password"),
            servers("oprf_seed", conversation.opaque.oprf_seed.reveal(), "the server's, for all accounts"),
            both("evaluated_message", response.evaluated_message, "the same point under the server's key"),
            both("server_public_key", response.server_public_key, "for the key exchange of the login"),
            public("record with the request", made.start.wire, "what the network sees of it"),
        ),
        (_OPRF, *opaque("5.1", "5.2")),
        page("auth", "opaque", "registering"),
    )


def _record(conversation: Conversation) -> Step:
    made = conversation.account.registration
    record = RegistrationRecord.decode(made.record)
    cost = made.cost
    return Step(
        "The record: what the server keeps",
        "The client stretches what the OPRF gave with Argon2id, a function that is slow and needs much memory on "
        "purpose. The result is the randomized password. From it come, each under its own label, a key pair for "
        "logging in, a masking key, the MAC of the envelope, and the export key. The record has the public key, the "
        "masking key and the envelope, which is a random nonce and that MAC. The export key goes nowhere. It wraps "
        "the key of Alice's vault, where her identity key lies; the server stores the vault and cannot open it.",
        "The record alone is no use to a thief: for each guess he needs the OPRF seed too, which is kept in a file "
        "of its own and not in the database. With both, and the server itself has both, one can guess, but each guess "
        "costs the whole of Argon2id. That is why weak passwords are refused.",
        "A database of salted hashes can be attacked the moment it is stolen. And a server that knew the export key "
        "could open the vault and be Alice.",
        (
            both("cost of Argon2id", cost, "told to the client again at each login"),
            alone("randomized_password", made.randomized_password, "OPRF and Argon2id are in it"),
            alone("export_key", made.export_key, "wraps the key of the vault"),
            both("client_public_key", record.client_public_key, "its private half is derived anew at each login"),
            both("masking_key", record.masking_key, "hides the envelope on its way"),
            both("envelope", record.envelope.encode(), "nonce and MAC"),
            both("RegistrationRecord", made.record, "the three together: what the server stores"),
            alone("vault key", made.vault_key, "random; wrapped under the export key"),
            both("vault", made.vault, "stored by the server, closed to it"),
        ),
        (*opaque("4", "5.2.3", "7"), Source("RFC 9106", "section 3")),
        page("auth", "opaque", "vault"),
    )


def _exchange(account: Account) -> Step:
    login = account.login
    ke1, ke2 = KE1.decode(login.ke1), KE2.decode(login.ke2)
    response = ke2.credential_response
    return Step(
        "Login: KE1 and KE2",
        "A login is the OPRF once more, with a new blind, and a key exchange around it. KE1 brings the blinded "
        "password, a nonce and a fresh key share. KE2 brings the evaluated point, the server's key with the "
        "envelope, both masked, then a nonce, a fresh key share and a MAC. With the right password the client "
        "derives the randomized password, unmasks the envelope, checks its MAC and has its private key again. Then "
        "both sides compute three Diffie-Hellman results: fresh with fresh, fresh with the server's long-term key, "
        "and the client's long-term key with fresh. From these and from all that was said come the keys.",
        "Each long-term key meets a fresh key of the other side. So both sides are proved, and what was recorded "
        "stays closed when a password leaks later. For a name that nobody has, the server answers with a record that "
        "no password opens, so KE2 does not tell who has an account.",
        "If the envelope travelled unmasked, anybody could ask for it and see which names have accounts. Without "
        "fresh shares, a password that leaks would open old logins as well.",
        (
            both("KE1: blinded_message", ke1.blinded_message, ""),
            both("KE1: client_nonce", ke1.client_nonce, ""),
            both("KE1: client_public_keyshare", ke1.client_public_keyshare, "fresh"),
            both("KE2: evaluated_message", response.evaluated_message, ""),
            both("KE2: masked_response", response.masked_response, "server's key and envelope under a pad"),
            both("KE2: server_public_keyshare", ke2.server_public_keyshare, "fresh"),
            both("KE2: server_mac", ke2.server_mac, "under Km2, over all that was said"),
            both("context", login.context, "a label, the suite and the handshake hash of step 1.4"),
            both("handshake_secret", login.trace.last("opaque.handshake_secret"), "from the three results"),
            both("Km2", login.trace.last("opaque.Km2"), "the server's MAC key"),
            both("Km3", login.trace.last("opaque.Km3"), "the client's MAC key"),
        ),
        opaque("6.2", "6.3", "6.4"),
        page("auth", "opaque", "logging-in-with-the-password-or-the-recovery-code"),
        drawing=_picture(account),
    )


def _proof(account: Account) -> Step:
    login = account.login
    return Step(
        "KE3: proved, on this connection",
        "First the client checks the server's MAC: it was made by who holds Alice's record and the server's key. "
        "Then it sends KE3, a MAC of its own over everything, under Km3. The server compares it with the one that it "
        "expects, and knows that the password was right, without knowing it. Both MACs cover the context, and the "
        "context holds the handshake hash. Out of the password comes the export key again, and with it the vault "
        "opens: a new laptop has Alice's identity key, and the server never had it.",
        "The proof is good for one connection. The session key that OPAQUE gives too is not used, because the "
        "channel is there already and is bound in by its hash.",
        "Without the context, a relay could sit between two connections and have Alice log in for him.",
        (
            both("KE3", login.ke3, "the client's MAC"),
            both("session_key", login.session_key, "equal on both sides; not used"),
            alone("identity seed", account.identity.signing_key.seed.reveal(), "from the vault: Alice's own key"),
            public("record with KE3", login.finish.wire, "what the network sees of it"),
        ),
        opaque("6.2", "6.4"),
        page("auth", "logging-in-with-the-password-or-the-recovery-code", "vault"),
        login.checks,
    )


def _attacks(account: Account) -> Step:
    return Step(
        "Attacks on the login",
        "Three logins that must fail were really made. All end in the same words, for an error never says why: not "
        "whether the name exists, nor whether it was the password, the server or the connection.",
        "A wrong password fails on the guesser's own machine, when the envelope does not open. To know whether a "
        "guess was right he has to ask the server for each one.",
        "If an error told more, it would be the first thing that an attacker asks for.",
        (both("logins refused", str(len(account.login.attempts)), ""),),
        opaque("6.2", "10"),
        page("auth", "logging-in-with-the-password-or-the-recovery-code") + page("tampering", "tampering"),
        attempts=account.login.attempts,
    )


def _device(account: Account) -> Step:
    made = account.device_login
    return Step(
        "Coming back: a device signs the connection",
        "A device that is known does not ask for the password each morning. It has a login key of its own, which "
        "stands in the account's signed device list. To come back, it signs the handshake hash, the server's id, its "
        "account, its own id and a counter that only grows. The server fills in what it knows itself, and verifies.",
        "A signature over the handshake hash is worth nothing on any other connection. The counter shows when a "
        "profile was copied: the copy comes with a number that was used before.",
        "With a token or a cookie in its place, whoever sees it once can use it. The server's id is a second fence "
        "beside the hash: a signature for one server is nothing to another.",
        (
            both("login key", account.device.login.public, "public; in the device list"),
            alone("seed of the login key", account.device.login.seed.reveal(), "never leaves the device"),
            both("what is signed", made.signed.encode(), "behind a label of its own"),
            both("signature", made.signature, "Ed25519"),
        ),
        (Source("RFC 8032", "section 5.1"),),
        page("auth", "logging-in-as-a-device"),
        attempts=made.attempts,
    )


def _picture(account: Account) -> Sequence:
    login = account.login
    ke1, ke2 = KE1.decode(login.ke1), KE2.decode(login.ke2)
    response = ke2.credential_response
    return Sequence(
        "A login with OPAQUE, inside the channel",
        "Alice's client",
        "server",
        (
            Arrow("KE1", rightwards=True, size=len(login.ke1), parts=(
                Part("blinded password", len(ke1.blinded_message), hidden=True),
                Part("nonce", len(ke1.client_nonce), hidden=False),
                Part("key share", len(ke1.client_public_keyshare), hidden=False),
            )),
            Arrow("KE2", rightwards=False, size=len(login.ke2), parts=(
                Part("evaluated", len(response.evaluated_message), hidden=True),
                Part("nonce", len(response.masking_nonce), hidden=False),
                Part("envelope, masked", len(response.masked_response), hidden=True),
                Part("nonce", len(ke2.server_nonce), hidden=False),
                Part("key share", len(ke2.server_public_keyshare), hidden=False),
                Part("MAC", len(ke2.server_mac), hidden=False),
            )),
            Arrow("KE3", rightwards=True, size=len(login.ke3), parts=(Part("MAC", len(login.ke3), hidden=False),)),
        ),
        ("password, blind", "private key, export key", "keys of this login"),
        ("OPRF seed, own key", "record, closed vault", "keys of this login"),
    )  # fmt: skip

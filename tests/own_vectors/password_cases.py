"""OPAQUE on both sides (docs/spec/auth.md), everything random named."""

from typing import Any

from entrenous.crypto import ristretto
from entrenous.opaque import Server
from entrenous.testing.vectors import CRYPTO, MALFORMED, VectorFile, run
from own_vectors.making import Case, cuts, file_of, flipped, plain
from own_vectors.people import ACCOUNT, HANDSHAKE_HASH, OTHER, OTHER_SERVER, SERVER

OPRF_SEED, PRIVATE = b"\x77" * 64, bytes(31) + b"\x07"
PASSWORD, WRONG = b"maple-orbit-velvet-canyon-thunder", b"maple-orbit-velvet-canyon-thunde"
#: Far below the floor: vectors are tried often and by slow programs.
COST = {"memory_kib": 8, "iterations": 1, "lanes": 1}
FLOOR = {"memory_kib": 65536, "iterations": 3, "lanes": 4}
#: ristretto255 elements that nobody takes (RFC 9496, appendix A.3): the identity, p, negative, of no square root.
BAD_ELEMENTS = {
    "the identity": bytes(32),
    "a field element that is not reduced": (2**255 - 19).to_bytes(32, "little"),
    "one above the field": b"\xff" * 32,
    "a negative field element": b"\x01" + bytes(31),
    "no square": bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    "a sign bit": flipped(ristretto.multiply_base((5).to_bytes(32, "little")), 31, 0x80),
}


def secrets(number: int) -> dict[str, Any]:
    """A server's long-term secrets; its private key is a small scalar, little-endian."""
    return {"oprf_seed": OPRF_SEED, "server_private_key": number.to_bytes(32, "little")}


NAMES = {"server_id": SERVER.server_id, "account": ACCOUNT.account_id}
CHANNEL = {"suite": 1, "handshake_hash": HANDSHAKE_HASH}
REGISTERING = {"password": PASSWORD, "blind": b"\x31" * 64, "envelope_nonce": b"\x32" * 32, **NAMES, **COST}
ASKING = {"password": PASSWORD, "blind": b"\x33" * 64, "client_nonce": b"\x34" * 32, "keyshare_seed": b"\x35" * 32}
ANSWERING = {"masking_nonce": b"\x36" * 32, "server_nonce": b"\x37" * 32, "keyshare_seed": b"\x38" * 32}


def results(operation: str, given: dict[str, Any]) -> dict[str, bytes]:
    outcome, found = run(operation, plain(given))
    assert outcome == "success", (operation, outcome)
    return {name: bytes.fromhex(value) for name, value in found.items()}


def request(registering: dict[str, Any] = REGISTERING) -> bytes:
    """The first message does not depend on the answer, so any right answer shows it."""
    placeholder = ristretto.multiply_base((5).to_bytes(32, "little")) * 2
    return results("auth-registrations", {**registering, "response": placeholder})["request"]


def response(registering: dict[str, Any] = REGISTERING, credential: str = "password") -> bytes:
    given = {**secrets(7), "account": registering["account"], "credential": credential, "request": request(registering)}
    return results("auth-registrations-server", given)["response"]


def record(registering: dict[str, Any] = REGISTERING) -> bytes:
    return results("auth-registrations", {**registering, "response": response(registering)})["record"]


class Exchange:
    """A whole login; ``others`` change what the client or the server goes by."""

    def __init__(self, stored: bytes | None = None, **others: Any) -> None:
        asking = {**ASKING, **{name: value for name, value in others.items() if name in ASKING}}
        state = self._first(asking)
        self.server = {
            **secrets(others.get("server", 7)),
            "record": record() if stored is None else stored,
            "ke1": state,
            "credential": "password",
            **NAMES,
            **CHANNEL,
            **ANSWERING,
        }
        self.client = {**asking, **NAMES, **CHANNEL, **COST}
        self.ke2 = self._ke2()

    @staticmethod
    def _first(asking: dict[str, Any]) -> bytes:
        """KE1, by the product's first step alone: its second needs an answer that is right."""
        from entrenous.opaque import start_login
        from entrenous.testing.vectors.entropy import named

        drawn = named(*(asking[name] for name in ("blind", "client_nonce", "keyshare_seed")))
        return start_login(asking["password"], drawn)[1]

    def _ke2(self) -> bytes:
        from entrenous.identity import opaque_context
        from entrenous.testing.vectors.entropy import named

        _, ke2 = Server.restore(self.server["oprf_seed"], self.server["server_private_key"]).start_login(
            self.server["record"],
            self.server["ke1"],
            credential_identifier=self.server["account"] + b"password",
            context=opaque_context(1, HANDSHAKE_HASH),
            server_identity=SERVER.server_id,
            client_identity=ACCOUNT.account_id,
            entropy=named(*ANSWERING.values()),
        )
        return ke2

    def for_client(self, **others: Any) -> dict[str, Any]:
        return {**self.client, "ke2": self.ke2, **others}

    def for_server(self, **others: Any) -> dict[str, Any]:
        return {**self.server, "ke3": results("auth-logins", self.for_client())["ke3"], **others}


def with_element(message: bytes, place: int, element: bytes) -> bytes:
    return message[:place] + element + message[place + 32 :]


def registrations() -> list[Case]:
    right, cuts_of = response(), dict(cuts(response()))
    recovery = {**REGISTERING, "password": bytes(range(16))}
    return [
        Case("a password", {**REGISTERING, "response": right}),
        Case("an empty password", {**REGISTERING, "password": b"", "response": right}),
        Case("a recovery code's bytes", {**recovery, "response": response(recovery, "recovery")}),
        Case("stretched at the floor, which is the default", {**REGISTERING, **FLOOR, "response": right}),
        *(Case(f"the answer {how}", {**REGISTERING, "response": data}, MALFORMED) for how, data in cuts_of.items()),
        *(
            Case(f"{where} is {name}", {**REGISTERING, "response": with_element(right, place, bad)}, CRYPTO)
            for name, bad in BAD_ELEMENTS.items()
            for place, where in ((0, "the evaluated element"), (32, "the server's key"))
        ),
    ]


def registrations_server() -> list[Case]:
    def given(data: bytes, **others: Any) -> dict[str, Any]:
        return {**secrets(7), "account": ACCOUNT.account_id, "credential": "password", "request": data, **others}

    return [
        Case("of a password", given(request())),
        Case("of a recovery code: another key for the same element", given(request(), credential="recovery")),
        Case("of another account: another key again", given(request(), account=OTHER.account_id)),
        *(Case(f"the request {how}", given(data), MALFORMED) for how, data in cuts(request())),
        *(Case(f"the blinded element is {name}", given(bad), CRYPTO) for name, bad in BAD_ELEMENTS.items()),
    ]


def records() -> list[Case]:
    right = record()
    return [
        Case("of a registration", {"record": right}),
        *(Case(f"a record {how}", {"record": data}, MALFORMED) for how, data in cuts(right)),
        *(
            Case(f"its key is {name}", {"record": with_element(right, 0, bad)}, CRYPTO)
            for name, bad in BAD_ELEMENTS.items()
        ),
    ]


def logins() -> list[Case]:
    right = Exchange()
    ke2 = right.ke2
    unknown = Server.restore(OPRF_SEED, secrets(7)["server_private_key"]).fake_record(ACCOUNT.account_id)
    other_device = Exchange(blind=b"\x39" * 64)
    refused: dict[str, dict[str, Any]] = {
        "another password": {"password": WRONG},
        "another channel's handshake hash": {"handshake_hash": b"\x12" * 32},
        "another suite": {"suite": 2},
        "another server id": {"server_id": OTHER_SERVER.server_id},
        "another account id": {"account": OTHER.account_id},
        "another stretching cost": {"iterations": 2},
        "the answer to another KE1": {"ke2": other_device.ke2},
        "the answer for an unknown name": {"ke2": Exchange(unknown).ke2},
        "the answer of a server with another key": {"ke2": Exchange(server=8).ke2},
        **{
            f"a changed bit in {name}": {"ke2": flipped(ke2, place)}
            for name, place in {"the masking nonce": 32, "the masked key": 64, "the masked envelope": 100}.items()
        },
        "a changed bit in the server's nonce": {"ke2": flipped(ke2, 192)},
        "a changed bit in the server's MAC": {"ke2": flipped(ke2, -1)},
        **{
            f"the evaluated element is {name}": {"ke2": with_element(ke2, 0, bad)} for name, bad in BAD_ELEMENTS.items()
        },
        **{
            f"the server's key share is {name}": {"ke2": with_element(ke2, 224, bad)}
            for name, bad in BAD_ELEMENTS.items()
        },
    }
    return [
        Case("the right password", right.for_client()),
        *(Case(name, right.for_client(**others), CRYPTO) for name, others in refused.items()),
        *(Case(f"KE2 {how}", right.for_client(ke2=data), MALFORMED) for how, data in cuts(ke2)),
    ]


def logins_server() -> list[Case]:
    right = Exchange()
    ke3 = right.for_server()["ke3"]
    ke1: bytes = right.server["ke1"]
    refused: dict[str, dict[str, Any]] = {
        "a changed bit in KE3": {"ke3": flipped(ke3, 0)},
        "KE3 of zeros": {"ke3": bytes(64)},
        "KE3 of another channel": {"handshake_hash": b"\x12" * 32},
        "KE3 of another suite": {"suite": 2},
        "KE3 of an answer with another nonce": {"server_nonce": b"\x3a" * 32},
        "the record of another password": {"record": record({**REGISTERING, "password": WRONG})},
        **{f"the blinded element is {name}": {"ke1": with_element(ke1, 0, bad)} for name, bad in BAD_ELEMENTS.items()},
        **{f"the key share is {name}": {"ke1": with_element(ke1, 64, bad)} for name, bad in BAD_ELEMENTS.items()},
    }
    return [
        Case("the right password", right.for_server()),
        *(Case(name, right.for_server(**others), CRYPTO) for name, others in refused.items()),
        *(Case(f"KE1 {how}", right.for_server(ke1=data), MALFORMED) for how, data in cuts(ke1)),
        *(Case(f"KE3 {how}", right.for_server(ke3=data), MALFORMED) for how, data in cuts(ke3)),
    ]


def costs() -> list[Case]:
    ceiling = {"memory_kib": 1048576, "iterations": 10, "lanes": 16}
    return [
        Case("the floor", FLOOR),
        Case("the ceiling", ceiling),
        *(Case(f"{name} below the floor", {**FLOOR, name: FLOOR[name] - 1}, "AUTH-KSF-FLOOR") for name in FLOOR),
        *(
            Case(f"{name} above the ceiling", {**ceiling, name: ceiling[name] + 1}, "AUTH-KSF-CEILING")
            for name in FLOOR
        ),
        Case("more memory does not make up for fewer passes", {**ceiling, "iterations": 2}, "AUTH-KSF-FLOOR"),
    ]


def files() -> list[VectorFile]:
    return [
        file_of("auth-stretching-costs", "auth.md", "A client judges the cost that a server names.", costs()),
        file_of("auth-registrations", "auth.md", "A client registers a password or a recovery code.", registrations()),
        file_of(
            "auth-registrations-server", "auth.md", "A server answers a RegistrationRequest.", registrations_server()
        ),
        file_of("auth-records", "auth.md", "A server judges a RegistrationRecord before it stores it.", records()),
        file_of("auth-logins", "auth.md", "A client logs in with a password.", logins()),
        file_of("auth-logins-server", "auth.md", "A server answers KE1 and judges KE3.", logins_server()),
    ]

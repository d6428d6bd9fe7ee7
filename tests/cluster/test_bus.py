"""Nudges on their way: their form, and NATS with names and passwords, keys, tokens and TLS."""

import asyncio
import base64
import binascii
import datetime as dt
import ipaddress
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from cluster.nodes import PATIENCE, until
from entrenous.crypto import SigningKey
from entrenous.errors import MalformedError, UnavailableError
from entrenous.server.nodes.bus import (
    ANY_NUMBER,
    MAX_NUDGES,
    Carrier,
    News,
    Nudge,
    carrier_for,
    decode_nudges,
    encode_nudges,
)
from entrenous.server.nodes.bus_nkeys import read_credentials
from nats_server import PrivateNats, private_nats

SERVER = bytes(range(32))
NUDGE = Nudge(News.MESSAGE, bytes(16), 7)
nudges = st.lists(
    st.builds(Nudge, st.sampled_from(News), st.binary(min_size=16, max_size=16), st.integers(0, ANY_NUMBER)),
    max_size=20,
)


@given(nudges)
def test_nudges_come_out_as_they_went_in(told: list[Nudge]) -> None:
    assert decode_nudges(encode_nudges(told)) == told


@given(st.one_of(st.binary(), st.binary().map(lambda body: b"\x01" + body)))
def test_hostile_bytes_are_nudges_or_malformed_and_nothing_else(data: bytes) -> None:
    try:
        found = decode_nudges(data)
    except MalformedError:
        return
    assert encode_nudges(found) == data


def test_a_message_of_too_many_nudges_is_malformed() -> None:
    assert len(decode_nudges(encode_nudges([NUDGE] * MAX_NUDGES))) == MAX_NUDGES
    with pytest.raises(MalformedError):
        decode_nudges(encode_nudges([NUDGE] * (MAX_NUDGES + 1)))


class Ear:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.nudges: list[Nudge] = []
        self.looks = 0

    def heard(self, nudge: Nudge) -> None:
        self.nudges.append(nudge)

    def look_at_everything(self) -> None:
        self.looks += 1


async def connected(url: str) -> tuple[Carrier, Ear]:
    bus, ear = carrier_for(url, SERVER), Ear()
    bus.start(ear)
    await until(lambda: bus.is_connected)
    return bus, ear


async def assert_heard(url: str) -> None:
    """Two nodes get in with this URL, and one hears the other."""
    (one, _), (two, ear) = await connected(url), await connected(url)
    one.tell(NUDGE)
    await until(lambda: NUDGE in ear.nudges)
    assert ear.looks == 1
    await one.close()
    await two.close()


async def assert_refused(url: str) -> None:
    bus, ear = carrier_for(url, SERVER), Ear()
    bus.start(ear)
    await asyncio.sleep(0.5)
    assert not bus.is_connected
    assert ear.looks == 0
    await bus.close()


async def test_what_is_told_often_is_sent_once_with_the_newest_number(nats: PrivateNats) -> None:
    (one, _), (two, ear) = await connected(nats.url), await connected(nats.url)
    for number in (3, 9, 5):
        one.tell(Nudge(News.MESSAGE, bytes(16), number))
    await until(lambda: any(nudge.news is News.MESSAGE for nudge in ear.nudges))
    assert [nudge.number for nudge in ear.nudges if nudge.news is News.MESSAGE] == [9]
    await one.close()
    await two.close()


async def test_who_may_come_in_with_a_name_and_a_password() -> None:
    with private_nats("authorization { user: node, password: hush }") as own:
        await assert_heard(own.url.replace("nats://", "nats://node:hush@"))
        await assert_refused(own.url.replace("nats://", "nats://node:wrong@"))


def nkey(seed: bytes) -> tuple[str, str]:
    """The two halves of a user's key as NATS writes them."""

    def written(body: bytes) -> str:
        return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode().rstrip("=")

    user = 20 << 3
    secret = bytes([(18 << 3) | (user >> 5), (user & 31) << 3]) + seed
    return written(secret), written(bytes([user]) + SigningKey.from_seed(seed).public)


async def test_who_may_come_in_with_a_key(tmp_path: Path) -> None:
    secret, public = nkey(bytes(range(32)))
    (tmp_path / "user.nk").write_text(secret + "\n")
    (tmp_path / "other.nk").write_text(nkey(bytes(32))[0])
    with private_nats(f"authorization {{ users: [ {{ nkey: {public} }} ] }}") as own:
        await assert_heard(f"{own.url}?nkey={tmp_path / 'user.nk'}")
        await assert_refused(f"{own.url}?nkey={tmp_path / 'other.nk'}")


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1] + "A", lambda text: "SA" + text[2:], lambda _text: "", lambda text: text[:40]]
)
def test_a_key_that_is_damaged_is_refused(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    (tmp_path / "user.nk").write_text(spoil(nkey(bytes(range(32)))[0]))
    with pytest.raises(UnavailableError):
        read_credentials(creds=None, nkey=tmp_path / "user.nk")


def test_a_file_of_credentials_has_a_token_and_a_key(tmp_path: Path) -> None:
    secret, public = nkey(bytes(range(32)))
    path = tmp_path / "node.creds"
    path.write_text(
        "-----BEGIN NATS USER JWT-----\nheader.body.signature\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{secret}\n------END USER NKEY SEED------\n"
    )
    found = read_credentials(creds=path, nkey=None)
    assert found is not None
    assert (found.jwt, found.public) == (b"header.body.signature", public)
    assert base64.b64decode(found.sign("nonce")) == SigningKey.from_seed(bytes(range(32))).sign(b"nonce")
    assert secret not in repr(found)
    path.write_text(secret)
    with pytest.raises(UnavailableError):
        read_credentials(creds=path, nkey=None)


def certificate(folder: Path) -> None:
    """A certificate for the loopback address that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))


async def test_tls_checks_who_the_other_side_is(tmp_path: Path) -> None:
    certificate(tmp_path)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with private_nats(f'tls {{ cert_file: "{cert}", key_file: "{key}" }}') as own:
        secure = own.url.replace("nats://", "tls://")
        await assert_heard(f"{secure}?ca={cert}")
        await assert_refused(secure)
        await assert_refused(own.url)


@pytest.mark.parametrize(
    "url",
    [
        "http://here",
        "nats://",
        "nats://here:0",
        "nats://here:port",
        "nats://me:hush@here?color=red",
        "tls://x?ca=/no",
        "",
    ],
)
def test_a_url_of_no_bus_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UnavailableError) as refused:
        carrier_for(url, SERVER)
    assert "hush" not in str(refused.value)


def test_what_is_wrong_with_a_url_of_a_bus_is_named() -> None:
    with pytest.raises(UnavailableError, match="a parameter 'cax'"):
        carrier_for("tls://here?cax=/no", SERVER)
    with pytest.raises(UnavailableError, match=r"ca=/no: No such file"):
        carrier_for("tls://here?ca=/no", SERVER)
    with pytest.raises(UnavailableError, match=r"cert=/no or key=/neither: No such file"):
        carrier_for("tls://here?cert=/no&key=/neither", SERVER)


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("psycopg", "from entrenous.server.store import shared_engine; shared_engine('postgresql://here/there')"),
        ("nats", "from entrenous.server.nodes.bus import carrier_for; carrier_for('nats://here', bytes(32))"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_what_to_do(missing: str, call: str) -> None:
    ask = f"try:\n    {call}\nexcept Exception as error:\n    print(error.remedy)"
    script = f"import sys; sys.modules[{missing!r}] = None\n{ask}"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert told.stdout.strip() == "Run: pip install 'entrenous[cluster]'"


def test_a_server_on_its_own_loads_neither_library() -> None:
    script = "import sys, entrenous.server; print({'psycopg', 'nats'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert told.stdout.strip() == "set()"

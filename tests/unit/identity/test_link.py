import dataclasses
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.errors import MalformedError, UsageError
from entrenous.identity import DEFAULT_PORT, InviteLink, Inviter, format_link, parse_address, parse_link
from identity_people import account

ALICE = account(1).credential
PLAIN = InviteLink("chat.example.org", DEFAULT_PORT, b"\x01" * 32, b"\x02" * 16)
WHOLE = dataclasses.replace(PLAIN, inviter=Inviter.of(ALICE), room=b"any bytes")


@pytest.mark.parametrize(
    "host", ["chat.example.org", "localhost", "my_container", "192.0.2.7", "2001:db8::1", "::1", "x"]
)
@pytest.mark.parametrize("port", [1, DEFAULT_PORT, 65535])
@pytest.mark.parametrize("link", [PLAIN, WHOLE])
def test_a_link_comes_back(link: InviteLink, host: str, port: int) -> None:
    link = dataclasses.replace(link, host=host, port=port)
    assert parse_link(format_link(link)) == link


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=16, max_size=16),
    st.none() | st.binary(max_size=1024),
    st.integers(1, 65535),
)
def test_every_link_comes_back(server_id: bytes, token: bytes, room: bytes | None, port: int) -> None:
    link = InviteLink("chat.example.org", port, server_id, token, Inviter.of(ALICE), room)
    assert parse_link(format_link(link)) == link


def test_a_link_looks_as_people_expect() -> None:
    assert format_link(PLAIN).startswith("entrenous://chat.example.org/#AQ")
    six = dataclasses.replace(PLAIN, host="::1", port=9000)
    assert format_link(six).startswith("entrenous://[::1]:9000/#")
    assert (six.address, PLAIN.address) == ("[::1]:9000", "chat.example.org:7443")


def test_spaces_case_and_a_missing_slash_do_not_matter() -> None:
    text = format_link(PLAIN)
    shouted = text.replace("entrenous://chat.example.org", "Entrenous://CHAT.Example.org")
    for variant in (f"  {text}\n", shouted, text.replace("/#", "#"), text.replace("org/", "org:7443/")):
        assert parse_link(variant) == PLAIN


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "begins with entrenous://"),
        ("https://chat.example.org/#AQ", "begins with entrenous://"),
        ("entrenous://chat.example.org", "after # is missing"),
        ("entrenous://chat.example.org/#", "after # is missing"),
        ("entrenous:///#AQ", "not a server's address"),
        ("entrenous://a b/#AQ", "not a server's address"),
        ("entrenous://-x.org/#AQ", "not a server's address"),
        ("entrenous://x..org/#AQ", "not a server's address"),
        ("entrenous://user@host/#AQ", "not a server's address"),
        ("entrenous://host/path/#AQ", "not a server's address"),
        ("entrenous://[::1/#AQ", "not a server's address"),
        ("entrenous://[fe80::1%25eth0]/#AQ", "not a server's address"),
        ("entrenous://[1.2.3.4]/#AQ", "not a server's address"),
        ("entrenous://1.2.3.400/#AQ", "not a server's address"),
        ("entrenous://1.2.3/#AQ", "not a server's address"),
        ("entrenous://::1/#AQ", "not a server's address"),
        (f"entrenous://{'x' * 64}.org/#AQ", "not a server's address"),
        (f"entrenous://{'x.' * 130}org/#AQ", "not a server's address"),
        ("entrenous://host:0/#AQ", "no port 0"),
        ("entrenous://host:65536/#AQ", "no port 65536"),
        ("entrenous://host:x/#AQ", "not a server's address"),
        ("entrenous://host:٣/#AQ", "not a server's address"),
        ("entrenous://höst/#AQ", "not a server's address"),
        ("entrenous://host/#A", "damaged"),
        ("entrenous://host/#AQ==", "damaged"),
        ("entrenous://host/#AR", "damaged"),
        ("entrenous://host/#+/", "damaged"),
        ("entrenous://host/#é", "damaged"),
        ("entrenous://host/#AQ", "damaged or cut off"),
        ("entrenous://host/#Ag", "another version"),
        ("entrenous://host/#" + "A" * 5000, "too long"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_link(text)


def test_every_cut_link_is_noticed() -> None:
    text = format_link(WHOLE)
    for length in range(len(text)):
        with pytest.raises(MalformedError):
            parse_link(text[:length])


@given(st.text(max_size=200) | st.text(max_size=60).map("entrenous://h/#{}".format))
def test_any_text_is_a_link_or_malformed(text: str) -> None:
    try:
        link = parse_link(text)
    except MalformedError:
        return
    assert parse_link(format_link(link)) == link


@pytest.mark.parametrize("host", ["", "a b", "[::1]", "CHAT.example.org", "2001:DB8::1", "1.2.3", "x/y", "-"])
def test_no_link_is_written_to_what_cannot_be_read(host: str) -> None:
    with pytest.raises(UsageError):
        format_link(dataclasses.replace(PLAIN, host=host))


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_no_link_is_written_to_a_port_that_does_not_exist(port: int) -> None:
    with pytest.raises(UsageError):
        format_link(dataclasses.replace(PLAIN, port=port))


def test_an_address_is_read_alone_too() -> None:
    assert parse_address("Chat.Example.org") == ("chat.example.org", DEFAULT_PORT)
    assert parse_address("[2001:DB8:0:0::1]:22") == ("2001:db8::1", 22)


def test_the_inviter_is_one_account() -> None:
    inviter = Inviter.of(ALICE)
    assert inviter.matches(ALICE)
    assert not inviter.matches(account(2).credential)
    assert not inviter.matches(type(ALICE)(ALICE.account_id, account(2).credential.identity_key))


def test_a_link_does_not_print_what_lets_in() -> None:
    link = dataclasses.replace(WHOLE, token=os.urandom(16), room=b"secret room part")
    assert repr(link.token)[2:-1] not in repr(link)
    assert "secret room part" not in repr(link)

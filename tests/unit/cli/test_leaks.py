"""The demo's search finds every form it claims to find, wherever it stands."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.cli.leaks import base64_core, control_copies, needles, search

SECRET = {"the password": "correct horse battery"}


@pytest.mark.parametrize(
    "hide",
    [
        lambda text: text.encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: base64.b64encode(text.encode()),
        lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
        lambda text: base64.b64encode(b"xx" + text.encode() + b"y"),
        lambda text: base64.urlsafe_b64encode(b"xxx" + text.encode()),
    ],
)
def test_each_form_is_found_in_the_middle_of_noise(hide: "object") -> None:
    assert callable(hide)
    data = bytes(range(256)) + hide(SECRET["the password"]) + bytes(range(256))
    findings = search(needles(SECRET), {"the log": data})
    assert {finding.place for finding in findings} == {"the log"}


def test_nothing_is_found_where_nothing_is() -> None:
    assert search(needles(SECRET), {"the log": bytes(10_000), "empty": b""}) == []


def test_the_control_copy_holds_every_needle_in_every_place() -> None:
    wanted = needles(SECRET)
    copies = control_copies(wanted, {"one": b"12345678", "empty": b""})
    found = {(finding.needle, finding.place) for finding in search(wanted, copies)}
    assert found == {(needle, place) for needle in wanted for place in copies}


@given(st.binary(max_size=7), st.binary(min_size=6, max_size=30), st.binary(max_size=7))
def test_base64_is_found_at_every_alignment(before: bytes, secret: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret + after)
    assert base64_core(secret, len(before) % 3) in encoded

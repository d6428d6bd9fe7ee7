"""docs/spec/auth.md: what people read, type and compare: names, links, codes, safety numbers."""

from collections.abc import Mapping
from typing import Any

from entrenous.identity import (
    AccountCredential,
    linking_keys,
    parse_link,
    parse_linking_code,
    parse_recovery_code,
    safety_number,
)
from entrenous.server.people.names import check_name, name_key
from entrenous.testing.vectors.form import Given


def login_name(given: Given) -> Mapping[str, Any]:
    """A server judges a login name: how it is stored, and what it is compared by."""
    name = check_name(given.text("name"))
    return {"stored": name, "compared": name_key(name)}


def invite_link(given: Given) -> Mapping[str, Any]:
    """Read an invite link."""
    link = parse_link(given.text("link"))
    inviter = link.inviter and {"account": link.inviter.account_id.hex(), "fingerprint": link.inviter.fingerprint.hex()}
    return {
        "host": link.host,
        "port": link.port,
        "server_id": link.server_id.hex(),
        "token": link.token.hex(),
        "inviter": inviter,
    }


def recovery_code(given: Given) -> Mapping[str, Any]:
    """Read a recovery code."""
    return {"code": parse_recovery_code(given.text("typed")).reveal().hex()}


def linking_code(given: Given) -> Mapping[str, Any]:
    """Read a linking code; what follows from it."""
    code = parse_linking_code(given.text("typed"))
    keys = linking_keys(code)
    return {"code": code.reveal().hex(), "mailbox_id": keys.mailbox_id.hex(), "mac_key": keys.mac_key.reveal().hex()}


def safety_numbers(given: Given) -> Mapping[str, Any]:
    """The fingerprints of two accounts, and their safety number."""
    one, other = (
        AccountCredential(account.hex("account"), account.hex("identity_key"))
        for account in (given.inner("one"), given.inner("other"))
    )
    return {
        "fingerprints": [one.fingerprint().hex(), other.fingerprint().hex()],
        "safety_number": safety_number(one, other),
    }

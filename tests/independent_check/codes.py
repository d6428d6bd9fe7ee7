"""docs/spec/auth.md: login names, invite links, recovery and linking codes, fingerprints, safety numbers."""

import base64
import hashlib
import ipaddress
import re
import unicodedata
from functools import cache
from typing import Any

from independent_check.forms import BrokenError, Fields, MalformedError, Reader, fingerprint, hkdf, labelled, uint
from independent_check.pages import ROOT

PART = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def login_name(given: Fields) -> dict[str, Any]:
    name = unicodedata.normalize("NFC", given["name"])
    first, rest = name[:1], name[1:]
    allowed = [_is_letter_or_digit(each) or each in "._-" for each in rest]
    if not 2 <= len(name) <= 32 or not _is_letter_or_digit(first) or not all(allowed):
        raise BrokenError("AUTH-NAME")
    folded = unicodedata.normalize("NFKC", name).casefold()
    return {"stored": name, "compared": unicodedata.normalize("NFKC", folded)}


def _is_letter_or_digit(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("L") or category == "Nd"


def invite_link(given: Fields) -> dict[str, Any]:
    text = given["link"].strip()
    found = re.fullmatch(r"(?i:entrenous)://(\[[^\]]*\]|[^:\[\]/]*)(?::([0-9]{1,5}))?/#(.+)", text)
    if not found or len(text) > 4096:
        raise MalformedError
    port = int(found[2] or 7443)
    if not 1 <= port <= 65535:
        raise MalformedError
    reader = Reader(_base64url(found[3]))
    if reader.uint(1) != 1:
        raise MalformedError
    server_id, token = reader.take(32), reader.take(16)
    inviter = None
    if reader.enum(1, 0, 1):
        inviter = {"account": reader.take(16).hex(), "fingerprint": reader.take(32).hex()}
    if reader.enum(1, 0, 1):
        reader.vector(1024)
    reader.end()
    return {
        "host": _host(found[1]),
        "port": port,
        "server_id": server_id.hex(),
        "token": token.hex(),
        "inviter": inviter,
    }


def _base64url(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise MalformedError
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise MalformedError
    return data


def _host(text: str) -> str:
    try:
        if text.startswith("[") and "%" not in text:
            return str(ipaddress.IPv6Address(text[1:-1]))
        if re.fullmatch(r"[0-9.]+", text):
            return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise MalformedError from None
    name = text.lower()
    if len(name) > 253 or not all(PART.fullmatch(part) for part in name.split(".")):
        raise MalformedError
    return name


@cache
def _words() -> list[str]:
    return (ROOT / "src" / "entrenous" / "identity" / "words.txt").read_text().split()


def recovery_code(given: Fields) -> dict[str, Any]:
    typed = re.split(r"[\s,-]+", given["typed"].lower().strip(" ,-\n"))
    if len(typed) != 12:
        raise MalformedError
    number = 0
    for word in typed:
        places = [place for place, known in enumerate(_words()) if word in (known, known[:4])]
        if len(places) != 1:
            raise MalformedError
        number = number << 11 | places[0]
    code = uint(number >> 4, 16)
    if number & 15 != fingerprint("entrenous v1 recovery code", code)[0] >> 4:
        raise MalformedError
    return {"code": code.hex()}


def linking_code(given: Fields) -> dict[str, Any]:
    typed = re.sub(r"[\s-]", "", given["typed"]).upper().replace("0", "O").replace("1", "I").replace("8", "B")
    if len(typed) != 15 or any(each not in BASE32 for each in typed):
        raise MalformedError
    number = 0
    for each in typed:
        number = number << 5 | BASE32.index(each)
    code = uint(number, 10)
    mailbox = hkdf(code, labelled("entrenous v1 linking mailbox", b""), 16)
    key = hkdf(code, labelled("entrenous v1 linking mac", b""), 32)
    return {"code": code.hex(), "mailbox_id": mailbox.hex(), "mac_key": key.hex()}


def safety_numbers(given: Fields) -> dict[str, Any]:
    people = [bytes.fromhex(each["account"] + each["identity_key"]) for each in (given["one"], given["other"])]
    prints = [fingerprint("entrenous v1 identity fingerprint", each).hex() for each in people]
    digits = "".join(sorted(map(_digits, people)))
    groups = [digits[at : at + 5] for at in range(0, 60, 5)]
    return {"fingerprints": prints, "safety_number": " ".join(groups)}


def _digits(credential: bytes) -> str:
    digest = labelled("entrenous v1 safety number", credential)
    for _ in range(5200):
        digest = hashlib.sha512(digest + credential).digest()
    numbers = (int.from_bytes(digest[at : at + 5], "big") % 100_000 for at in range(0, 30, 5))
    return "".join(f"{number:05}" for number in numbers)

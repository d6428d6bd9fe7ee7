"""What people read, type and compare (docs/spec/auth.md): names, passwords, links, codes, safety numbers."""

import base64
from typing import Any

from entrenous.codec import encode_length
from entrenous.identity import (
    InviteLink,
    Inviter,
    LinkingCode,
    RecoveryCode,
    format_link,
    format_linking_code,
    format_recovery_code,
)
from entrenous.identity.words import PREFIX, word_numbers
from entrenous.identity.words import words as word_list
from entrenous.testing.vectors import MALFORMED, VectorFile
from own_vectors.making import Case, file_of
from own_vectors.people import ACCOUNT, OTHER, SERVER, TOKEN

LINK = format_link(InviteLink("chat.example.org", 7443, SERVER.server_id, TOKEN, Inviter.of(ACCOUNT.credential)))
PAYLOAD = LINK.partition("#")[2]
SHORT = format_link(InviteLink("chat.example.org", 7443, SERVER.server_id, TOKEN)).partition("#")[2]


#: A host of as many characters as its name may have; its last part is shorter than a part may be.
LONGEST_HOST = ".".join(["a" * 49] * 5) + ".aaa"


def with_room(size: int) -> bytes:
    """A link's payload with a room part of this many bytes."""
    start = base64.urlsafe_b64decode(SHORT + "==")[:-1]
    return start + b"\x01" + encode_length(size) + b"r" * size


def link(authority: str, payload: str = SHORT) -> str:
    return f"entrenous://{authority}/#{payload}"


def payload(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def links() -> list[Case]:
    data = base64.urlsafe_b64decode(SHORT + "==")
    reserved = data[:-1] + b"\x01" + b"\x03" + b"abc"
    right = {
        "the page's example": LINK,
        "without an inviter": link("chat.example.org"),
        "another port": link("chat.example.org:443"),
        "an IPv4 address": link("192.0.2.1:7443"),
        "an IPv6 address": link("[2001:db8::1]:7000"),
        "upper case means the same": link("Chat.Example.ORG"),
        "a name as container networks have": link("my_server-1"),
        "spaces around it": f"  {LINK}\n",
        "a room part, which is reserved and ignored": link("chat.example.org", payload(reserved)),
        "a room part of 1,024 bytes": link("chat.example.org", payload(with_room(1024))),
        "upper case in the scheme": LINK.replace("entrenous", "ENTRENOUS", 1),
        "hexadecimal digits are a name": link("0x7f000001"),
        "an IPv6 address in upper case and at full length": link("[2001:0DB8:0:0:0:0:0:1]:7000"),
        "the highest port": link("chat.example.org:65535"),
        "a part of 63 characters": link("a" * 63 + ".org"),
        "a name of 253 characters": link(LONGEST_HOST),
        "a part that is digits, before one that is not": link("127.example"),
        "a part that begins with a digit": link("7of9.example.org"),
    }
    last = SHORT[-1]
    varied = SHORT[:-1] + chr(ord(last) + 1)
    wrong = {
        "another scheme": LINK.replace("entrenous", "https", 1),
        "without what follows #": LINK.partition("#")[0],
        "nothing after #": LINK.partition("#")[0] + "#",
        "cut off": LINK[:-4],
        "an end of base64 that another text has too": link("chat.example.org", varied),
        "padding of base64": link("chat.example.org", payload(data) + "="),
        "the other alphabet of base64": link("chat.example.org", PAYLOAD.replace("_", "/")),
        "version 2 of the payload": link("chat.example.org", payload(b"\x02" + data[1:])),
        "a byte after the payload's end": link("chat.example.org", payload(data + b"\0")),
        "a presence byte of 2": link("chat.example.org", payload(data[:-1] + b"\x02")),
        "a room part of 1,025 bytes": link("chat.example.org", payload(with_room(1025))),
        "a part of 64 characters": link("a" * 64 + ".org"),
        "a name of 254 characters": link(LONGEST_HOST + "a"),
        "a host of digits": link("2130706433"),
        "a host of digits and one dot": link("127.1"),
        "an IPv4 address with a zero before a number": link("127.0.0.01"),
        "a dot after the last part": link("chat.example.org."),
        "port 0": link("chat.example.org:0"),
        "port 65536": link("chat.example.org:65536"),
        "a port that is no number": link("chat.example.org:x"),
        "no host": link(""),
        "a path": link("chat.example.org/room"),
        "a user": link("bob@chat.example.org"),
        "a host with a space": link("chat example.org"),
        "a host with letters that are not ASCII": link("chät.example.org"),
        "a part that ends with a hyphen": link("chat-.example.org"),
        "an empty part": link("chat..example.org"),
        "an IPv4 address with a number above 255": link("192.0.2.256"),
        "an IPv6 address without brackets": link("2001:db8::1"),
        "an IPv6 address with a zone": link("[fe80::1%eth0]"),
        "longer than a link may be": LINK + "A" * 4096,
    }
    return [
        *(Case(name, {"link": text}) for name, text in right.items()),
        *(Case(name, {"link": text}, MALFORMED) for name, text in wrong.items()),
    ]


def wrong_checksums() -> dict[str, str]:
    """Codes whose last word differs in one bit of the checksum each: its place is seven bits of code and these four."""
    words = format_recovery_code(RecoveryCode(bytes(range(16)))).split()
    place = word_numbers()[words[-1][:PREFIX]]
    return {
        f"bit {bit} of the checksum is another": " ".join([*words[:-1], word_list()[place ^ (1 << bit)]])
        for bit in range(4)
    }


def recovery_codes() -> list[Case]:
    words = format_recovery_code(RecoveryCode(bytes(range(16)))).split()
    right = {
        "the page's example": " ".join(words),
        "all bits zero": format_recovery_code(RecoveryCode(bytes(16))),
        "all bits one": format_recovery_code(RecoveryCode(b"\xff" * 16)),
        "four letters of each word": " ".join(word[:4] for word in words),
        "upper case": " ".join(words).upper(),
        "hyphens": "-".join(words),
        "commas, spaces and line breaks": ",\n ".join(words) + " ",
    }
    swapped = [words[1], words[0], *words[2:]]
    wrong = {
        "eleven words": " ".join(words[:-1]),
        "thirteen words": " ".join([*words, words[0]]),
        "no words": "",
        "a word that is not in the list": " ".join(["zzzz", *words[1:]]),
        "three letters of a word": " ".join([words[0][:3], *words[1:]]),
        "five letters of a longer word": " ".join([words[0][:5], *words[1:]]),
        "two words in the other order": " ".join(swapped),
        "another last word": " ".join([*words[:-1], words[0]]),
        "another first word": " ".join([words[3], *words[1:]]),
        "the last two words in the other order": " ".join([*words[:-2], words[-1], words[-2]]),
        **wrong_checksums(),
    }
    return [
        *(Case(name, {"typed": text}) for name, text in right.items()),
        *(Case(name, {"typed": text}, MALFORMED) for name, text in wrong.items()),
    ]


def linking_codes() -> list[Case]:
    code = format_linking_code(LinkingCode(bytes(range(10))))
    right = {
        "the page's example": code,
        "lower case and no hyphens": code.replace("-", "").lower(),
        "0, 1 and 8 are read as O, I and B": "OIB01-8AAAA-AAAAA",
        "spaces": " ".join(code.replace("-", "")),
    }
    wrong = {
        "14 characters": code[:-1],
        "16 characters": code + "A",
        "a 9": "9" + code[1:],
        "a letter that is not ASCII": "Ä" + code[1:],
        "nothing": "",
    }
    return [
        *(Case(name, {"typed": text}) for name, text in right.items()),
        *(Case(name, {"typed": text}, MALFORMED) for name, text in wrong.items()),
    ]


def login_names() -> list[Case]:
    right = {
        "letters": "bob",
        "the shortest": "bo",
        "the longest": "b" * 32,
        "a digit first": "7of9",
        "dots, hyphens and underscores": "a.b-c_d",
        "upper case is kept, and compared folded": "Bob",
        "a sharp s is compared as two": "Straße",
        "an accent of its own is joined": "Ze\u0301",
        "letters of other scripts": "ボブ",
        "a ligature is compared as its letters": "ﬁona",
        "a wide letter is compared as a narrow one": "Ｂob",
        "a digit of another script": "bob٣",
        "a Cyrillic letter that looks like a Latin one is another": "b\u043eb",
        "an upper-case letter with an accent of its own": "ZE\u0301",
        "a final sigma is compared as any other": "Νίκος",
        "32 characters once they are joined": "e\u0301" * 32,
        "a dotted capital I is compared as two characters": "İpek",
    }
    wrong = {
        "one character": "b",
        "33 characters": "b" * 33,
        "two that join to one": "e\u0301",
        "a dot first": ".bob",
        "a space": "bo b",
        "a slash": "bo/b",
        "a control character": "bo\x00b",
        "a character of no width": "bo\u200bb",
        "an emoji": "bob😀",
        "an accent that joins with nothing": "bq\u0301",
        "a superscript, which is no decimal digit": "bob²",
        "half a character": "bo\ud800",
    }
    return [
        *(Case(name, {"name": text}) for name, text in right.items()),
        *(Case(name, {"name": text}, "AUTH-NAME") for name, text in wrong.items()),
    ]


def passwords() -> list[Case]:
    right = {
        "ASCII": "maple-orbit-velvet",
        "an accent of its own is joined": "cafe\u0301",
        "nothing": "",
        "spaces are kept": " a  b ",
        "a ligature stays one: the form is NFC": "ﬁ",
        "the longest": "é" * 512,
        "longer before it is joined than after": "e\u0301" * 512,
        "an emoji": "😀",
    }
    return [
        *(Case(name, {"typed": text}) for name, text in right.items()),
        Case("1025 bytes", {"typed": "p" * 1025}, "AUTH-PASSWORD-LENGTH"),
        Case("513 characters of two bytes", {"typed": "é" * 513}, "AUTH-PASSWORD-LENGTH"),
        Case("half a character", {"typed": "p\ud800"}, MALFORMED),
    ]


def safety_numbers() -> list[Case]:
    def person(account: Any) -> dict[str, Any]:
        return {"account": account.account_id, "identity_key": account.credential.identity_key}

    one, other = person(ACCOUNT), person(OTHER)
    return [
        Case("the page's example", {"one": one, "other": other}),
        Case("the same in the other order", {"one": other, "other": one}),
        Case(
            "one of them has another identity key",
            {"one": {**one, "identity_key": SERVER.signing_key.public}, "other": other},
        ),
    ]


def files() -> list[VectorFile]:
    read = "A client reads what a person has typed:"
    return [
        file_of("auth-invite-links", "auth.md", "Read an invite link.", links()),
        file_of("auth-linking-codes", "auth.md", f"{read} a linking code, which is reserved.", linking_codes()),
        file_of("auth-login-names", "auth.md", "A server judges a login name.", login_names()),
        file_of("auth-passwords", "auth.md", f"{read} what OPAQUE takes for it.", passwords()),
        file_of("auth-recovery-codes", "auth.md", f"{read} a recovery code.", recovery_codes()),
        file_of(
            "auth-safety-numbers", "auth.md", "Two accounts' fingerprints and their safety number.", safety_numbers()
        ),
    ]

"""Invite links: ``entrenous://HOST:PORT/#…``, all a person needs to join a server safely.

What follows ``#`` is base64url of a struct; it carries the server's id, so the first connection is already pinned.
"""

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated

from entrenous.codec import Bytes16, Bytes32, Struct, UInt8, VarOpaque, struct
from entrenous.crypto import constant_time_equal
from entrenous.errors import MalformedError, UsageError
from entrenous.identity.account import AccountCredential

#: The port a server listens on unless told otherwise; a link leaves it out.
DEFAULT_PORT = 7443
SCHEME = "entrenous://"
#: The version of what follows ``#``.
LINK_VERSION = 1
#: Characters of the longest link, and bytes of the longest room part in it.
MAX_LINK = 4096
MAX_ROOM = 1024

#: One part of a host name (RFC 1123 §2.1), and the underscore that container networks use.
_NAME_PART = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_MAX_HOST_NAME = 253
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]{1,5}))?\Z")


@struct
class Inviter(Struct):
    """The person who invites, so that first contact with them is no leap of faith."""

    account_id: Bytes16
    fingerprint: Bytes32

    @classmethod
    def of(cls, credential: AccountCredential) -> "Inviter":
        """How a link names the account ``credential``."""
        return cls(credential.account_id, credential.fingerprint())

    def matches(self, credential: AccountCredential) -> bool:
        """Whether that account is the one the link named."""
        return constant_time_equal(self.encode(), Inviter.of(credential).encode())


@struct
class InvitePayload(Struct):
    """What follows ``#``."""

    version: UInt8
    server_id: Bytes32
    token: Bytes16
    inviter: Inviter | None
    room: Annotated[bytes, VarOpaque(MAX_ROOM)] | None


@dataclass(frozen=True, slots=True)
class InviteLink:
    """A link, taken apart. ``host`` is a name, an IPv4 or an IPv6 address without brackets, in lower case."""

    host: str
    port: int
    server_id: bytes
    token: bytes
    inviter: Inviter | None = None
    room: bytes | None = None

    @property
    def address(self) -> str:
        """``host:port`` as people write it, with brackets around IPv6."""
        return f"{_bracketed(self.host)}:{self.port}"

    def __repr__(self) -> str:
        # The token lets anybody in, and the room part may hold keys.
        return f"InviteLink({self.address}, server {self.server_id.hex()[:8]}…)"


def format_link(link: InviteLink) -> str:
    """Write a link.

    Raises:
        UsageError: its host or port cannot stand in one, or a field has the wrong size.
    """
    if not 1 <= link.port <= 65535 or _host(_bracketed(link.host)) != link.host:
        raise UsageError(f"no link can name {link.host!r}, port {link.port}")
    payload = InvitePayload(LINK_VERSION, link.server_id, link.token, link.inviter, link.room)
    port = "" if link.port == DEFAULT_PORT else f":{link.port}"
    text = base64.urlsafe_b64encode(payload.encode()).rstrip(b"=").decode()
    return f"{SCHEME}{_bracketed(link.host)}{port}/#{text}"


def parse_link(text: str) -> InviteLink:
    """Read a link a person pasted; spaces around it do not matter.

    Raises:
        MalformedError: says in a sentence what is wrong with it.
    """
    text = text.strip()
    if len(text) > MAX_LINK:
        raise MalformedError("This is too long to be an invite link.")
    if text[: len(SCHEME)].lower() != SCHEME:
        raise MalformedError(f"An invite link begins with {SCHEME}")
    authority, separator, fragment = text[len(SCHEME) :].partition("#")
    if not separator or not fragment:
        raise MalformedError("This invite link is cut off: the part after # is missing. Copy the whole link.")
    host, port = parse_address(authority.removesuffix("/"))
    payload = _payload(fragment)
    return InviteLink(host, port, payload.server_id, payload.token, payload.inviter, payload.room)


def parse_address(text: str) -> tuple[str, int]:
    """Read ``host``, ``host:port`` or ``[ipv6]:port``; returns the host in lower case, without brackets, and the port.

    Raises:
        MalformedError: says in a sentence what is wrong with it.
    """
    match = _AUTHORITY.match(text)
    host = _host(match["host"]) if match else None
    if match is None or host is None:
        raise MalformedError(f"“{text[:80]}” is not a server's address; one looks like chat.example.org:7443")
    port = int(match["port"] or DEFAULT_PORT)
    if not 1 <= port <= 65535:
        raise MalformedError(f"There is no port {port}; ports go from 1 to 65535.")
    return host, port


def _payload(fragment: str) -> InvitePayload:
    try:
        data = base64.b64decode(fragment + "=" * (-len(fragment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("This invite link is damaged. Copy the whole link again.") from None
    # One encoding per link: base64 would let the last character vary.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != fragment:
        raise MalformedError("This invite link is damaged. Copy the whole link again.")
    if data[:1] != bytes((LINK_VERSION,)):
        raise MalformedError("This invite link was made for another version of Entrenous. Update and try again.")
    try:
        return InvitePayload.decode(data)
    except MalformedError as error:
        raise MalformedError("This invite link is damaged or cut off. Copy the whole link again.") from error


def _host(text: str) -> str | None:
    """The host in its one spelling, or None."""
    try:
        if text.startswith("["):
            # A zone ("%eth0") means something on one machine only, so a link cannot carry it.
            return None if "%" in text else str(ipaddress.IPv6Address(text[1:-1]))
        if text.replace(".", "").isdecimal():
            return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None
    lowered = text.lower()
    fits = len(lowered) <= _MAX_HOST_NAME and all(_NAME_PART.match(part) for part in lowered.split("."))
    return lowered if fits else None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""PROXY protocol v2 headers as a load balancer makes them."""

from ipaddress import ip_address

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
UNSPEC, TCP4, UDP4, TCP6, UNIX = 0x00, 0x11, 0x12, 0x21, 0x31


def header(command: int, family: int, rest: bytes = b"") -> bytes:
    return SIGNATURE + bytes((command, family)) + len(rest).to_bytes(2, "big") + rest


def header4(source: str, tlvs: bytes = b"") -> bytes:
    return header(0x21, TCP4, ip_address(source).packed + bytes((192, 0, 2, 1)) + b"\x9c\x40\x1d\x13" + tlvs)


def header6(source: str, tlvs: bytes = b"") -> bytes:
    return header(0x21, TCP6, ip_address(source).packed + bytes(16) + b"\x9c\x40\x1d\x13" + tlvs)


def tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value

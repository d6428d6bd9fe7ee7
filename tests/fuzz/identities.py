"""Judges of identities: certificates, device lists, leaves, vaults; and everything that a person types or pastes."""

from collections.abc import Callable

from entrenous.client.slash import SlashError, interpret
from entrenous.identity import (
    DeviceList,
    InviteLink,
    Label,
    LeafCertificate,
    RecoveryCode,
    ServerCertificate,
    SignedDeviceList,
    WrapSlot,
    check_successor,
    first_device_list,
    format_link,
    format_linking_code,
    format_recovery_code,
    open_vault,
    parse_address,
    parse_link,
    parse_linking_code,
    parse_recovery_code,
    parse_vault,
    password_bytes,
    signed,
    unwrap_key,
    verify_certificate,
    verify_device_list,
    verify_leaf,
)
from entrenous.identity.committed import seal_committed
from entrenous.identity.vault import StoredVault
from entrenous.server.people.names import check_name, name_key
from entrenous.server.refusal import RefusedError
from entrenous.testing import SeededEntropy
from fuzz import real, rooms
from fuzz.target import REFUSED, Target, chosen
from identity_people import device


def _certificate(data: bytes) -> None:
    for pin in (None, real.SERVER.server_id):
        verify_certificate(data, suite=1, static_key=real.STATIC_KEY, pin=pin, now=0)


def _device_list(data: bytes) -> None:
    verify_device_list(data, rooms.ALICE.credential)


def _own_device_list(data: bytes) -> None:
    """A list that its account signed, though it should not have."""
    devices = DeviceList.decode(data)
    signature = rooms.ALICE.signing_key.sign(signed(Label.DEVICE_LIST, devices))
    verified = verify_device_list(SignedDeviceList(devices, signature).encode(), rooms.ALICE.credential)
    check_successor(first_device_list(rooms.ALICE.account_id, device(10).entry), verified)


def _leaf(data: bytes) -> None:
    verify_leaf(rooms.ALICE.credential.encode(), device(10).mls.public, data)


def _vault(data: bytes) -> None:
    vault = parse_vault(data)
    key = unwrap_key(vault, WrapSlot.PASSWORD, real.EXPORT_KEY, account_id=rooms.ALICE.account_id)
    open_vault(vault, key, account_id=rooms.ALICE.account_id, at_least=0)


def _vault_body(data: bytes) -> None:
    """A vault that was sealed with the right key, over anything."""
    entropy = SeededEntropy("body")
    box = seal_committed(real.VAULT_KEY, Label.VAULT_BODY, rooms.ALICE.account_id, data, entropy)
    vault = StoredVault(1, (), box)
    body = open_vault(vault, real.VAULT_KEY, account_id=rooms.ALICE.account_id, at_least=0)
    assert body.encode() == data.rstrip(b"\0")[:-1]


_JUDGES: tuple[Callable[[bytes], None], ...] = (
    _certificate,
    _device_list,
    _own_device_list,
    _leaf,
    _vault,
    _vault_body,
)
_KINDS = (ServerCertificate, SignedDeviceList, DeviceList, LeafCertificate, StoredVault, None)


def identity(data: bytes) -> None:
    """One judge; the first byte chooses which."""
    if not data:
        return
    try:
        _JUDGES[data[0] % len(_JUDGES)](data[1:])
    except REFUSED:
        return


def _identity_seeds() -> list[bytes]:
    devices = first_device_list(rooms.ALICE.account_id, device(10).entry)
    after = DeviceList(devices.account_id, 2, (device(11).entry,), (devices.devices[0].device_id,))
    body = real.vault_body().encode() + b"\x80" + bytes(64)
    lists = (real.device_list(), after.encode())
    everything = (real.certificate(), *lists, real.leaf_certificate(), real.vault(), body)
    return [bytes([index]) + each for index, each in enumerate(everything)]


def _link(text: str) -> None:
    link = parse_link(text)
    assert parse_link(format_link(link)) == link


def _address(text: str) -> None:
    host, port = parse_address(text)
    bracketed = f"[{host}]" if ":" in host else host
    assert parse_address(f"{bracketed}:{port}") == (host, port)
    assert parse_link(format_link(InviteLink(host, port, bytes(32), bytes(16)))).host == host


def _recovery_code(text: str) -> None:
    code = parse_recovery_code(text)
    assert parse_recovery_code(format_recovery_code(code)) == code


def _linking_code(text: str) -> None:
    code = parse_linking_code(text)
    assert parse_linking_code(format_linking_code(code)) == code


def _password(text: str) -> None:
    assert password_bytes(text) == password_bytes(text)


def _name(text: str) -> None:
    key = name_key(text)
    assert name_key(key) == key, "a name's key has another key"
    try:
        stored = check_name(text)
    except RefusedError:
        return
    assert check_name(stored) == stored
    assert name_key(stored) == key, "the stored name is compared by another key than what was typed"


def _line(text: str) -> None:
    for room in (None, bytes(16)):
        try:
            interpret(text, room)
        except SlashError:
            continue


_READERS: tuple[Callable[[str], None], ...] = (
    _link,
    _address,
    _recovery_code,
    _linking_code,
    _password,
    _name,
    _line,
)


def typed_text(data: bytes) -> None:
    """What a person typed or pasted; the first byte chooses where."""
    if not data:
        return
    try:
        _READERS[data[0] % len(_READERS)](data[1:].decode(errors="replace"))
    except REFUSED:
        return


def _text_seeds() -> list[bytes]:
    recovery = format_recovery_code(RecoveryCode(bytes(range(16))))
    links = [real.link_text(), "entrenous://[2001:db8::1]:7443/#AQ"]
    texts = {0: links, 1: ["chat.example.org:7443", "[::1]:1", "192.0.2.1"], 2: [recovery], 3: ["abcde-fghij-klmno"]}
    texts |= {4: ["maple-orbit-velvet-canyon-thunder", "pässword"], 5: ["alice", "Ålice_1.ﬁ"]}
    texts |= {6: ["hello", "//shrug", "/invite bob", "/create 'a room'", "/help invite", "/nothing"]}
    return [bytes([index]) + text.encode() for index, each in texts.items() for text in each]


TARGETS = (
    Target("identity", identity, _identity_seeds, chosen(_KINDS), longest=6000),
    Target("typed-text", typed_text, _text_seeds, longest=600),
)

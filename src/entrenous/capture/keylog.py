"""The key log: the secrets that open a recording of one's own traffic, a line each, after the manner of TLS's.

    ENTRENOUS_CERTIFICATE <opening> <key>      opens the certificate in handshake message 2
    ENTRENOUS_CLIENT <opening> <key>           opens the client's records, from the first one on
    ENTRENOUS_SERVER <opening> <key>           opens the server's
    ENTRENOUS_EPOCH <group> <epoch> <suite> <width> <sender_data_secret> <encryption_secret>

``opening`` is the first 32 bytes of handshake message 1, which a recording shows and no other connection has. Bytes are
lower-case hexadecimal, numbers decimal. Lines that begin with # and of unknown kinds are passed over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from entrenous.errors import MalformedError
from entrenous.noise import KEY_SIZE
from entrenous.trace import Field

HEADER = "# Entrenous key log. Whoever has these lines reads the conversations that they are of."
_CERTIFICATE, _CLIENT, _SERVER, _EPOCH = (f"ENTRENOUS_{name}" for name in ("CERTIFICATE", "CLIENT", "SERVER", "EPOCH"))
#: What a step of the trace says that the keys derived before or after it are of.
_SPLIT, _NEW_EPOCH = "channel.split", "mls.epoch"
#: The handshake's current key, and the keys of the two directions, as ``noise`` names them.
_HANDSHAKE_KEY, _INITIATOR, _RESPONDER = "k", "k initiator", "k responder"
_EPOCH_SECRETS = ("sender_data_secret", "encryption_secret")


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """What opens the messages of one epoch of one group.

    Attributes:
        width: leaves of the ratchet tree, blank ones too.
    """

    suite: int
    width: int
    sender_data_secret: bytes = field(repr=False)
    encryption_secret: bytes = field(repr=False)


@dataclass(slots=True)
class ChannelKeys:
    """What opens one connection, as far as it is known."""

    certificate: bytes | None = field(default=None, repr=False)
    client: bytes | None = field(default=None, repr=False)
    server: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class KeyLog:
    """A key log that was read.

    Attributes:
        channels: by opening.
        epochs: by group and epoch. There may be several: of Commits that were made for one epoch, one counts.
    """

    channels: dict[bytes, ChannelKeys] = field(default_factory=dict)
    epochs: dict[tuple[bytes, int], list[EpochKeys]] = field(default_factory=dict)


class KeyLogTrace:
    """The Trace that writes a key log.

    Args:
        write: takes each line, without its end; does not raise.
        with_epochs: also what opens the messages in rooms.
    """

    def __init__(self, write: Callable[[str], None], *, with_epochs: bool) -> None:
        self._write = write
        self._with_epochs = with_epochs
        self._opening = ""
        # One thread derives, and what belongs together follows on each other.
        self._latest: dict[str, bytes] = {}

    def derived(self, name: str, secret: bytes, *inputs: str) -> None:
        """Keep what the next step may be about, and write what the last one was."""
        del inputs
        if name in (_INITIATOR, _RESPONDER) and self._opening:
            kind = _CLIENT if name == _INITIATOR else _SERVER
            self._write(f"{kind} {self._opening} {secret.hex()}")
        elif name == _HANDSHAKE_KEY or (self._with_epochs and name in _EPOCH_SECRETS):
            self._latest[name] = secret

    def step(self, name: str, **fields: Field) -> None:
        """Write what the secrets before it are of."""
        if name == _SPLIT:
            self._opening = str(fields["opening"])
            if key := self._latest.pop(_HANDSHAKE_KEY, b""):
                self._write(f"{_CERTIFICATE} {self._opening} {key.hex()}")
        elif name == _NEW_EPOCH and self._with_epochs:
            secrets = " ".join(self._latest.pop(secret, b"").hex() for secret in _EPOCH_SECRETS)
            facts = " ".join(str(fields[fact]) for fact in ("group", "epoch", "suite", "width"))
            self._write(f"{_EPOCH} {facts} {secrets}")


def read_key_log(lines: Iterable[str]) -> KeyLog:
    """Read a key log.

    Raises:
        MalformedError: there is no key in it, or a line of a kind that is known is none; it says which, and nothing of
            what stands there.
    """
    found = KeyLog()
    for number, line in enumerate(lines, 1):
        try:
            _read_line(found, line.split())
        except (ValueError, IndexError):
            raise MalformedError(f"line {number} of the key log cannot be read") from None
    if not found.channels and not found.epochs:
        raise MalformedError("there is no key in this key log")
    return found


def _read_line(found: KeyLog, words: list[str]) -> None:
    match words:
        case [kind, opening, key] if kind in (_CERTIFICATE, _CLIENT, _SERVER):
            channel = found.channels.setdefault(bytes.fromhex(opening), ChannelKeys())
            setattr(channel, kind.removeprefix("ENTRENOUS_").lower(), _key(key))
        case [kind, group, epoch, suite, width, sender_data, encryption] if kind == _EPOCH:
            keys = EpochKeys(int(suite), int(width), bytes.fromhex(sender_data), bytes.fromhex(encryption))
            found.epochs.setdefault((bytes.fromhex(group), int(epoch)), []).append(keys)
        case [kind, *_] if kind in (_CERTIFICATE, _CLIENT, _SERVER, _EPOCH):
            raise ValueError(kind)


def _key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != KEY_SIZE:
        raise ValueError(text)
    return key

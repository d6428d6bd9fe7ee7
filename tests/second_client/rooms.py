"""docs/spec/groups.md and docs/spec/delivery.md: making a room, speaking, reading, and a Commit."""

import os
from dataclasses import dataclass

from entrenous.crypto import XWING
from second_client.channel import Channel
from second_client.forms import Reader, aes_open, aes_seal, fingerprint, labelled, sha256, u8, u16, u32, u64, vector
from second_client.mls import (
    APPLICATION,
    BASIC,
    CERTIFICATE,
    COMMIT,
    GREASE,
    LAST_RESORT,
    MLS10,
    PRIVATE_MESSAGE,
    REQUIRED_CAPABILITIES,
    SETTINGS,
    SIZE,
    SUITE,
    Epoch,
    derive,
    encrypt,
    expand,
    extension,
    leaf_hash,
    mac,
    new_key,
    parent_node,
    sha384,
    sign,
)
from second_client.people import Account

CREATE_ROOM, PUBLISH, COMMIT_REQUEST, FETCH = 30, 32, 33, 34
GROUP_INFO, TREE, NODE_CHANGES = 1, 2, 3
TEXT = 1
RETENTION = 2_592_000
#: Milliseconds: a sender's time is whatever the sender says.
SAID_AT = 1_800_000_000_000
FROM_KEY_PACKAGE, FROM_COMMIT = u8(1), u8(3)
ADMIN, ADMINS_ADD = 2, 1
Position = tuple[int, bytes]


def leaf_node(account: Account, public: bytes, source: bytes, place: bytes) -> bytes:
    """A leaf of this device; ``place`` is what its signature covers beside it."""
    listed = fingerprint("entrenous v1 device list hash", account.device_list)
    certified = account.id + account.device_id + account.mls.public + u32(1) + listed
    certificate = certified + account.identity.sign(labelled("entrenous v1 leaf certificate", certified))
    grease = u16(GREASE)
    supported = (
        u16(MLS10),
        u16(SUITE) + grease,
        u16(SETTINGS) + u16(CERTIFICATE) + u16(LAST_RESORT) + grease,
        grease,
        u16(BASIC) + grease,
    )
    credential = u16(BASIC) + vector(account.id + account.identity.public)
    content = vector(public) + vector(account.mls.public) + credential + b"".join(map(vector, supported))
    content += source + vector(extension(CERTIFICATE, certificate))
    return content + sign(account.mls, "LeafNodeTBS", content + place)


def sealed(key: bytes, generation: int, room: bytes, kind: int, epoch: int, plaintext: bytes) -> bytes:
    nonce = os.urandom(12)
    ciphertext = aes_seal(key, nonce, plaintext, _sealed_aad(room, kind, generation, epoch))
    return u32(generation) + u64(epoch) + nonce + vector(ciphertext)


def unsealed(key: bytes, room: bytes, kind: int, data: bytes) -> bytes:
    reader = Reader(data)
    generation, epoch, nonce = reader.uint(4), reader.uint(8), reader.take(12)
    return aes_open(key, nonce, reader.vector(), _sealed_aad(room, kind, generation, epoch))


def _sealed_aad(room: bytes, kind: int, generation: int, epoch: int) -> bytes:
    return vector(b"entrenous v1 sealed room state") + vector(room) + u8(kind) + u32(generation) + u64(epoch)


def log_start(room: bytes) -> Position:
    """The log hash before any entry."""
    return 0, sha256(b"entrenous v1 room log\0" + room)


def following(position: Position, entry: bytes) -> Position:
    """The log hash after one more entry."""
    sequence, before = position
    return sequence + 1, sha256(before + u64(sequence + 1) + sha256(entry))


@dataclass
class Room:
    """A room, its log as far as it was read, and the own leaf."""

    account: Account
    epoch: Epoch
    position: Position
    base: int
    leaf: int
    access: tuple[int, bytes]
    first_leaf: bytes = b""
    said: int = 0

    async def say(self, channel: Channel, text: str) -> None:
        message_id = os.urandom(8) + u32(1)
        body = vector(vector(text.encode()))
        content = vector(message_id + u64(SAID_AT) + u16(TEXT) + body)
        told = u64(self.position[0]) + self.position[1]
        framed = self.epoch.framed(self.leaf, APPLICATION, told, content)
        plaintext = content + self.epoch.signature(self.account.mls, framed)
        entry = self.epoch.protect(self.leaf, self.said, APPLICATION, told, plaintext)
        self.said += 1
        _, sequence = await channel.call(PUBLISH, self.epoch.group, self.base, message_id, entry)
        self._hash(sequence, entry)

    async def read(self, channel: Channel) -> list[str]:
        """What others have said since, each checked to have seen the same log."""
        reply = await channel.call(FETCH, self.epoch.group, self.position[0], 100)
        found, hashes = [], dict([self.position])
        for sequence, message_id, entry, _ in reply[4]:
            _, told, content = self.epoch.unprotect(entry)
            place = Reader(told)
            assert hashes.get(place.uint(8), place.data[8:]) == place.take(32)
            body = Reader(content.vector())
            assert body.take(12) == message_id
            body.take(8)
            assert body.uint(2) == TEXT
            found.append(Reader(body.vector()).vector().decode())
            self._hash(sequence, entry)
            hashes.update([self.position])
        return found

    async def renew_keys(self, channel: Channel) -> None:
        """An empty Commit with a path, of the second of two leaves."""
        before, signer = self.epoch, self.account.mls
        path_secret, leaf_key = os.urandom(SIZE), new_key()
        root = XWING.derive_key_pair(derive(path_secret, "node"))
        parent_hash = sha384(vector(root.public) + vector(b"") + vector(leaf_hash(0, self.first_leaf)))
        place = vector(before.group) + u32(1)
        leaf = leaf_node(self.account, leaf_key.public, FROM_COMMIT + vector(parent_hash), place)
        tree_hash = sha384(
            u8(2)
            + u8(1)
            + parent_node(root.public)
            + vector(leaf_hash(0, self.first_leaf))
            + vector(leaf_hash(1, leaf))
        )
        provisional = Epoch(
            before.group, before.number + 1, b"", tree_hash, before.transcript, before.extensions, before.width
        )
        their_key = Reader(self.first_leaf).vector()
        for_first = encrypt(their_key, "UpdatePathNode", provisional.context, path_secret)
        commit = vector(b"") + u8(1) + leaf + vector(vector(root.public) + vector(for_first))

        message_id = os.urandom(8) + u32(1)
        told = message_id + u32(RETENTION) + vector(b"") + u64(self.position[0]) + self.position[1] + vector(b"")
        framed = before.framed(1, COMMIT, told, commit)
        signature = before.signature(signer, framed)
        interim = sha384(before.transcript + vector(before.confirmation_tag))
        transcript = sha384(interim + u16(PRIVATE_MESSAGE) + framed + signature)
        after = self._after(provisional, transcript, derive(path_secret, "path"))
        plaintext = commit + signature + vector(after.confirmation_tag)
        entry = before.protect(1, 0, COMMIT, told, plaintext)

        changed = u32(1) + u8(1) + u8(2) + parent_node(root.public) + u32(2) + u8(1) + u8(1) + leaf
        changes = vector(before.tree_hash) + vector(tree_hash) + u32(2) + vector(changed)
        state = [
            sealed(self.access[1], self.access[0], before.group, kind, after.number, plain)
            for kind, plain in ((GROUP_INFO, after.group_info(signer, 1)), (NODE_CHANGES, changes))
        ]
        _, sequence = await channel.call(COMMIT_REQUEST, before.group, self.base, message_id, entry, [], *state, None)
        self._hash(sequence, entry)
        self.epoch, self.base, self.said = after, sequence, 0

    def _after(self, provisional: Epoch, transcript: bytes, commit_secret: bytes) -> Epoch:
        blank = Epoch(
            provisional.group,
            provisional.number,
            b"",
            provisional.tree_hash,
            transcript,
            provisional.extensions,
            provisional.width,
        )
        extracted = mac(derive(self.epoch.secret, "init"), commit_secret)
        joiner = expand(extracted, "joiner", blank.context, SIZE)
        secret = expand(mac(joiner, bytes(SIZE)), "epoch", blank.context, SIZE)
        return Epoch(blank.group, blank.number, secret, blank.tree_hash, transcript, blank.extensions, blank.width)

    def _hash(self, sequence: int, entry: bytes) -> None:
        self.position = following(self.position, entry)
        assert self.position[0] == sequence


async def create_room(account: Account, channel: Channel, name: str) -> Room:
    """A room with one member."""
    room = os.urandom(16)
    leaf = leaf_node(account, new_key().public, FROM_COMMIT + vector(b""), vector(room) + u32(0))
    members = vector(account.id + u8(ADMIN))
    settings = u16(1) + vector(name.encode()) + vector(b"") + members + vector(b"")
    settings += u32(RETENTION) + u8(ADMINS_ADD) + vector(b"")
    required = vector(u16(SETTINGS) + u16(CERTIFICATE)) + vector(b"") + vector(b"")
    extensions = extension(SETTINGS, settings) + extension(REQUIRED_CAPABILITIES, required)
    epoch = Epoch(room, 0, os.urandom(SIZE), leaf_hash(0, leaf), b"", extensions, 1)
    key = epoch.export("entrenous room access key", u32(1))
    tree = vector(u8(1) + u8(1) + leaf)
    state = [
        sealed(key, 1, room, kind, 0, plain)
        for kind, plain in ((GROUP_INFO, epoch.group_info(account.mls, 0)), (TREE, tree))
    ]
    await channel.call(CREATE_ROOM, room, RETENTION, *state)
    return Room(account, epoch, log_start(room), 0, 0, (1, key))

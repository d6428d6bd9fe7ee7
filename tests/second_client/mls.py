"""RFC 9420 in the suite of rooms (docs/spec/groups.md, "Numbers" and "Profile"), as far as these tests need it."""

import hashlib
import hmac
import os
from dataclasses import dataclass

from entrenous.crypto import HPKE_XWING_SHA384_AES256 as HPKE
from entrenous.crypto import XWING, KEMKeyPair, KEMPrivateKey, SigningKey
from second_client.forms import Reader, aes_open, aes_seal, u8, u16, u32, u64, vector, xor

MLS10, SUITE = 1, 0xF0E2
SETTINGS, CERTIFICATE, WELCOME_DATA, LAST_RESORT = 0xF0E0, 0xF0E1, 0xF0E3, 0x000A
REQUIRED_CAPABILITIES, EXTERNAL_PUB = 3, 4
PRIVATE_MESSAGE, WELCOME = 2, 3
APPLICATION, COMMIT = 1, 3
GREASE = 0x1A1A
SIZE = 48  # KDF.Nh
BASIC = 1


def sha384(data: bytes) -> bytes:
    return hashlib.sha384(data).digest()


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "sha384").digest()


def label_of(name: str) -> bytes:
    return vector(b"MLS 1.0 " + name.encode())


def expand(secret: bytes, name: str, context: bytes, size: int) -> bytes:
    """ExpandWithLabel, for at most 48 bytes."""
    return mac(secret, u16(size) + label_of(name) + vector(context) + b"\x01")[:size]


def derive(secret: bytes, name: str) -> bytes:
    return expand(secret, name, b"", SIZE)


def sign(key: SigningKey, name: str, content: bytes) -> bytes:
    return vector(key.sign(label_of(name) + vector(content)))


def encrypt(public: bytes, name: str, context: bytes, plaintext: bytes) -> bytes:
    output, ciphertext = HPKE.seal(public, label_of(name) + vector(context), b"", plaintext, os.urandom)
    return vector(output) + vector(ciphertext)


def decrypt(private: KEMPrivateKey, name: str, context: bytes, reader: Reader) -> bytes:
    output, ciphertext = reader.vector(), reader.vector()
    return HPKE.open(private, output, label_of(name) + vector(context), b"", ciphertext)


def new_key() -> KEMKeyPair:
    return XWING.generate(os.urandom)


def extension(number: int, data: bytes) -> bytes:
    return u16(number) + vector(data)


def extensions_of(data: bytes) -> dict[int, bytes]:
    reader, found = Reader(data), {}
    while not reader.is_at_end:
        number = reader.uint(2)
        found[number] = reader.vector()
    return found


def padded(plaintext: bytes) -> bytes:
    """To its bucket."""
    size = len(plaintext)
    if size <= 4096:
        return plaintext.ljust(max(256, 1 << (size - 1).bit_length()), b"\0")
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return plaintext + bytes(-size % step)


def leaf_hash(index: int, leaf: bytes) -> bytes:
    return sha384(u8(1) + u32(index) + u8(1) + leaf)


def parent_node(public: bytes) -> bytes:
    """One without a parent above it and without unmerged leaves."""
    return vector(public) + vector(b"") + vector(b"")


def context_of(group: bytes, epoch: int, tree_hash: bytes, transcript: bytes, extensions: bytes) -> bytes:
    head = u16(MLS10) + u16(SUITE) + vector(group) + u64(epoch)
    return head + vector(tree_hash) + vector(transcript) + vector(extensions)


@dataclass(frozen=True)
class Epoch:
    """What a member of a group of at most two leaves knows of an epoch."""

    group: bytes
    number: int
    secret: bytes
    tree_hash: bytes
    transcript: bytes
    extensions: bytes
    width: int

    @property
    def context(self) -> bytes:
        return context_of(self.group, self.number, self.tree_hash, self.transcript, self.extensions)

    @property
    def confirmation_tag(self) -> bytes:
        return mac(derive(self.secret, "confirm"), self.transcript)

    def export(self, label: str, context: bytes) -> bytes:
        """32 bytes."""
        secret = derive(derive(self.secret, "exporter"), label)
        return expand(secret, "exported", sha384(context), 32)

    def group_info(self, signer: SigningKey, leaf: int) -> bytes:
        """With an external_pub."""
        public = XWING.derive_key_pair(derive(self.secret, "external")).public
        body = (
            self.context + vector(extension(EXTERNAL_PUB, vector(public))) + vector(self.confirmation_tag) + u32(leaf)
        )
        return body + sign(signer, "GroupInfoTBS", body)

    def framed(self, leaf: int, kind: int, authenticated: bytes, body: bytes) -> bytes:
        """FramedContent of a member."""
        return vector(self.group) + u64(self.number) + u8(1) + u32(leaf) + vector(authenticated) + u8(kind) + body

    def signature(self, signer: SigningKey, framed: bytes) -> bytes:
        return sign(signer, "FramedContentTBS", u16(MLS10) + u16(PRIVATE_MESSAGE) + framed + self.context)

    def protect(self, leaf: int, generation: int, kind: int, authenticated: bytes, plaintext: bytes) -> bytes:
        """An entry."""
        head = vector(self.group) + u64(self.number) + u8(kind)
        guard = os.urandom(4)
        key, nonce = self._keys(leaf, generation, kind, guard)
        ciphertext = aes_seal(key, nonce, padded(plaintext), head + vector(authenticated))
        sender = aes_seal(*self._sender_keys(ciphertext), u32(leaf) + u32(generation) + guard, head)
        return u16(MLS10) + u16(PRIVATE_MESSAGE) + head + vector(authenticated) + vector(sender) + vector(ciphertext)

    def unprotect(self, entry: bytes) -> tuple[int, bytes, Reader]:
        """Who sent it, its authenticated_data, and what it holds."""
        reader = Reader(entry)
        assert (reader.uint(2), reader.uint(2)) == (MLS10, PRIVATE_MESSAGE)
        assert (reader.vector(), reader.uint(8)) == (self.group, self.number)
        kind = reader.uint(1)
        head = vector(self.group) + u64(self.number) + u8(kind)
        authenticated, sender, ciphertext = reader.vector(), reader.vector(), reader.vector()
        told = Reader(aes_open(*self._sender_keys(ciphertext), sender, head))
        leaf, generation, guard = told.uint(4), told.uint(4), told.take(4)
        key, nonce = self._keys(leaf, generation, kind, guard)
        return leaf, authenticated, Reader(aes_open(key, nonce, ciphertext, head + vector(authenticated)))

    def _sender_keys(self, ciphertext: bytes) -> tuple[bytes, bytes]:
        secret, sample = derive(self.secret, "sender data"), ciphertext[:SIZE]
        return expand(secret, "key", sample, 32), expand(secret, "nonce", sample, 12)

    def _keys(self, leaf: int, generation: int, kind: int, guard: bytes) -> tuple[bytes, bytes]:
        secret = derive(self.secret, "encryption")
        if self.width == 2:
            secret = expand(secret, "tree", b"right" if leaf else b"left", SIZE)
        secret = expand(secret, "application" if kind == APPLICATION else "handshake", b"", SIZE)
        for number in range(generation):
            secret = expand(secret, "secret", u32(number), SIZE)
        nonce = expand(secret, "nonce", u32(generation), 12)
        return expand(secret, "key", u32(generation), 32), xor(nonce[:4], guard) + nonce[4:]

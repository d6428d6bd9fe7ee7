"""docs/spec/channel.md: preface, handshake in both suites, certificate, records, calls."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

from entrenous.crypto import DH, FFDHE2048, KEM, MLKEM768, X25519, Hash, hkdf, verify
from second_client.forms import (
    Reader,
    aes_open,
    aes_seal,
    fingerprint,
    labelled,
    pack,
    sha256,
    u8,
    u16,
    u32,
    u64,
    unpack,
)

#: For each suite: the Noise protocol's name, its functions, and bytes of a public key.
SUITES: dict[int, tuple[bytes, DH, KEM | None, int]] = {
    1: (b"Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256", X25519, MLKEM768, 32),
    2: (b"Noise_NX_FFDHE2048_AESGCM_SHA256", FFDHE2048, None, 256),
}
TAG = 16
DATA, REKEY, CLOSE, PADDING = range(4)


class Direction:
    """One key and its counter."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0

    def seal(self, plaintext: bytes, aad: bytes = b"") -> bytes:
        return aes_seal(self._key, self._nonce(), plaintext, aad)

    def open(self, ciphertext: bytes, aad: bytes = b"") -> bytes:
        return aes_open(self._key, self._nonce(), ciphertext, aad)

    def _nonce(self) -> bytes:
        self._counter += 1
        return bytes(4) + u64(self._counter - 1)


class Symmetric:
    """Noise's SymmetricState."""

    def __init__(self, name: bytes) -> None:
        self.h = sha256(name) if len(name) > 32 else name.ljust(32, b"\0")
        self.ck = self.h
        self._cipher: Direction | None = None

    def mix_hash(self, data: bytes) -> None:
        self.h = sha256(self.h + data)

    def mix_key(self, secret: bytes) -> None:
        both = hkdf(Hash.SHA256, self.ck, secret, b"", 64)
        self.ck, self._cipher = both[:32], Direction(both[32:])

    def open(self, ciphertext: bytes) -> bytes:
        assert self._cipher is not None
        plaintext = self._cipher.open(ciphertext, self.h)
        self.mix_hash(ciphertext)
        return plaintext


class Bytes(asyncio.Protocol):
    """A line whose bytes can be waited for."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.reader.feed_data(data)

    def eof_received(self) -> None:
        self.reader.feed_eof()

    async def frame(self) -> bytes:
        """The next frame's content."""
        size = int.from_bytes(await self.reader.readexactly(2), "big")
        return await self.reader.readexactly(size)

    def write_frame(self, content: bytes, before: bytes = b"") -> None:
        self.transport.write(before + u16(len(content)) + content)


Connect = Callable[[Callable[[], Bytes]], Awaitable[Bytes]]


class Channel:
    """An open channel to the server with this id. Events that come meanwhile are kept."""

    def __init__(self, server_id: bytes, suite: int = 1) -> None:
        self.server_id = server_id
        self.suite = suite
        self.handshake_hash = b""
        self.events: list[list[Any]] = []
        self._number = 0
        self._stream = b""

    async def open(self, connect: Connect, now: float) -> None:
        """The handshake, as far as the certificate is accepted."""
        self._line = await connect(Bytes)
        name, dh, kem, size = SUITES[self.suite]
        preface = b"ENTR" + u8(1) + u8(self.suite)
        noise = Symmetric(name)
        noise.mix_hash(preface)
        own = dh.generate(os.urandom)
        own_kem = kem.generate(os.urandom) if kem else None
        noise.mix_hash(own.public)
        if own_kem:
            noise.mix_hash(own_kem.public)
        noise.mix_hash(b"")  # the empty payload
        self._line.write_frame(own.public + (own_kem.public if own_kem else b""), before=preface)

        answer = Reader(await self._line.frame())
        theirs = answer.take(size)
        noise.mix_hash(theirs)
        noise.mix_key(dh.exchange(own.private, theirs))
        if kem and own_kem:
            noise.mix_key(kem.decapsulate(own_kem.private, noise.open(answer.take(kem.ciphertext_size + TAG))))
        static = noise.open(answer.take(size + TAG))
        noise.mix_key(dh.exchange(own.private, static))
        self._judge(noise.open(answer.take(len(answer.data) - answer.position)), static, now)
        self.handshake_hash = noise.h
        keys = hkdf(Hash.SHA256, noise.ck, b"", b"", 64)
        self._sending, self._receiving = Direction(keys[:32]), Direction(keys[32:])

    def _judge(self, certificate: bytes, static: bytes, now: float) -> None:
        reader = Reader(certificate)
        server_id, identity_key = reader.take(32), reader.take(32)
        assert reader.uint(1) == self.suite
        assert reader.vector() == static
        assert now <= reader.uint(8)
        assert reader.vector() == b""  # rotations
        assert server_id == self.server_id == fingerprint("entrenous v1 server id", identity_key)
        covered = labelled("entrenous v1 server certificate", certificate[: reader.position])
        verify(identity_key, covered, reader.take(64))
        assert reader.is_at_end

    async def call(self, number: int, *fields: Any) -> list[Any]:
        """The fields of the reply to a request, after its number."""
        self._number += 1
        message = pack([self._number, [number, *fields]])
        self._line.write_frame(self._sending.seal(u8(DATA) + u32(len(message)) + message))
        while True:
            about, body = unpack(await self._message())
            if about == 0:
                self.events.append(body)
                continue
            assert about == self._number
            assert body[0] != 0, body
            return cast("list[Any]", body)

    def close(self) -> None:
        """Say goodbye."""
        self._line.write_frame(self._sending.seal(u8(CLOSE)))
        self._line.transport.close()

    async def _message(self) -> bytes:
        while len(self._stream) < 4 or len(self._stream) < 4 + int.from_bytes(self._stream[:4], "big"):
            plaintext = self._receiving.open(await self._line.frame())
            assert plaintext[0] == DATA
            self._stream += plaintext[1:]
        end = 4 + int.from_bytes(self._stream[:4], "big")
        message, self._stream = self._stream[4:end], self._stream[end:]
        return message

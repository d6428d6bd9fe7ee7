"""docs/spec/auth.md: registering, and logging in both ways."""

import os
from dataclasses import dataclass, field

from entrenous.crypto import Hash, SigningKey, hkdf
from second_client.channel import Channel
from second_client.forms import Reader, aes_open, aes_seal, labelled, u8, u32, u64, vector
from second_client.passwords import Opaque

REGISTER_START, REGISTER_FINISH, LOGIN_START, LOGIN_FINISH, DEVICE_LOGIN = range(1, 6)
PASSWORD_SLOT, RECOVERY_SLOT = 1, 2


@dataclass
class Account:
    """An account with one device."""

    name: str
    password: bytes
    ksf: list[int]
    id: bytes = b""
    device_id: bytes = field(default_factory=lambda: os.urandom(16))
    identity: SigningKey = field(default_factory=lambda: SigningKey.generate(os.urandom))
    login: SigningKey = field(default_factory=lambda: SigningKey.generate(os.urandom))
    mls: SigningKey = field(default_factory=lambda: SigningKey.generate(os.urandom))
    launches: int = 0

    @property
    def device_list(self) -> bytes:
        """Version 1."""
        device = self.device_id + self.login.public + self.mls.public
        return self.id + u32(1) + vector(device) + vector(b"")

    async def register(self, channel: Channel, token: bytes) -> None:
        recovery_code = os.urandom(16)
        exchanges = [Opaque(secret, channel.server_id) for secret in (self.password, recovery_code)]
        asked = [exchange.request for exchange in exchanges]
        _, self.id, *responses = await channel.call(REGISTER_START, token, self.name, *asked)
        made = [
            exchange.register(response, self.id, self.ksf)
            for exchange, response in zip(exchanges, responses, strict=True)
        ]
        signature = self.identity.sign(labelled("entrenous v1 device list", self.device_list))
        vault = self._vault([export_key for _, export_key in made])
        records = [record for record, _ in made]
        signed_list = self.device_list + signature
        await channel.call(REGISTER_FINISH, self.ksf, *records, self.identity.public, signed_list, vault)

    async def log_in(self, channel: Channel) -> None:
        """As a device."""
        self.launches += 1
        body = channel.handshake_hash + channel.server_id + self.id + self.device_id + u64(self.launches)
        signature = self.login.sign(labelled("entrenous v1 device login", body))
        await channel.call(DEVICE_LOGIN, self.id, self.device_id, self.launches, signature)

    async def log_in_with_password(self, channel: Channel) -> bytes:
        """The identity key's seed, from the vault."""
        exchange = Opaque(self.password, channel.server_id)
        _, account, ksf, ke2 = await channel.call(LOGIN_START, self.name, False, exchange.ke1())
        context = labelled("entrenous v1 opaque context", u8(channel.suite) + channel.handshake_hash)
        ke3, export_key = exchange.ke3(ke2, account, context, ksf)
        _, devices, vault, version = await channel.call(LOGIN_FINISH, ke3)
        assert devices[: len(self.device_list)] == self.device_list
        return _open_vault(vault, export_key, account, version)

    def _vault(self, export_keys: list[bytes]) -> bytes:
        vault_key = os.urandom(32)
        body = u64(1) + self.identity.seed.reveal() + 3 * vector(b"") + b"\x80"
        wrapped = b"".join(
            u8(slot) + _committed(export_key, "entrenous v1 vault wrap", u8(slot) + self.id, vault_key)
            for slot, export_key in zip((PASSWORD_SLOT, RECOVERY_SLOT), export_keys, strict=True)
        )
        padded = body + bytes(-len(body) % 4096)
        return u8(1) + vector(wrapped) + _committed(vault_key, "entrenous v1 vault body", self.id, padded)


def _committed(key: bytes, label: str, context: bytes, plaintext: bytes) -> bytes:
    aad = labelled(label, context)
    keys, nonce = hkdf(Hash.SHA256, b"", key, aad, 64), os.urandom(12)
    return nonce + keys[32:] + vector(aes_seal(keys[:32], nonce, plaintext, aad))


def _open_committed(key: bytes, label: str, context: bytes, reader: Reader) -> bytes:
    aad = labelled(label, context)
    keys, nonce = hkdf(Hash.SHA256, b"", key, aad, 64), reader.take(12)
    assert reader.take(32) == keys[32:]
    return aes_open(keys[:32], nonce, reader.vector(), aad)


def _open_vault(vault: bytes, export_key: bytes, account: bytes, version: int) -> bytes:
    reader = Reader(vault)
    assert reader.uint(1) == 1
    wrapped = Reader(reader.vector())
    assert wrapped.uint(1) == PASSWORD_SLOT
    context = u8(PASSWORD_SLOT) + account
    vault_key = _open_committed(export_key, "entrenous v1 vault wrap", context, wrapped)
    body = Reader(_open_committed(vault_key, "entrenous v1 vault body", account, reader))
    assert body.uint(8) == version
    return body.take(32)

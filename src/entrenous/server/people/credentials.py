"""The server's secrets that log people in, and how a credential is named to OPAQUE."""

from dataclasses import dataclass, field

from entrenous.crypto import Hash, Secret
from entrenous.identity import Label, ServerIdentityKey, labelled
from entrenous.opaque import Server as OpaqueServer
from entrenous.wire.limits import ID_SIZE


class FakeAccountKey(Secret):
    """Derives what no client may foretell, 32 bytes: ids of names without an account, keys between nodes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """Everything secret that outlives the process. It lies in the key file, outside the database."""

    identity: ServerIdentityKey
    opaque: OpaqueServer
    fake_accounts: FakeAccountKey = field(repr=False)

    @property
    def server_id(self) -> bytes:
        """What clients pin, 32 bytes."""
        return self.identity.server_id

    def fake_account(self, name_key: str) -> bytes:
        """The id that a name without an account seems to have: always the same one."""
        data = labelled(Label.FAKE_ACCOUNT, name_key.encode())
        return Hash.SHA256.hmac(self.fake_accounts.reveal(), data)[:ID_SIZE]

    def node_key(self, node: bytes) -> bytes:
        """What one life of a node seals with what it tells the others, 32 bytes."""
        return Hash.SHA256.hmac(self.fake_accounts.reveal(), labelled(Label.NODE_COUNTS, node))

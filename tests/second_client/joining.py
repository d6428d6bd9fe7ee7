"""docs/spec/groups.md: KeyPackages, and joining by a Welcome as the second member of a room."""

from entrenous.crypto import KEMKeyPair
from second_client.channel import Channel
from second_client.forms import Reader, aes_open, u16, u64, vector
from second_client.mls import (
    BASIC,
    LAST_RESORT,
    MLS10,
    SIZE,
    SUITE,
    WELCOME,
    WELCOME_DATA,
    Epoch,
    decrypt,
    derive,
    expand,
    extension,
    extensions_of,
    mac,
    new_key,
    sha384,
    sign,
)
from second_client.people import Account
from second_client.rooms import (
    FETCH,
    FROM_COMMIT,
    FROM_KEY_PACKAGE,
    NODE_CHANGES,
    Room,
    following,
    leaf_node,
    log_start,
    unsealed,
)

PUT_KEY_PACKAGES, FETCH_STATE, INBOX, DROP_INBOX = 23, 35, 37, 38
DAY = 86_400


class KeyPackages:
    """The own ones, and what opens Welcomes for them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._keys: dict[bytes, KEMKeyPair] = {}

    async def upload(self, channel: Channel, now: int) -> None:
        """Two, and a last resort."""
        made = [self._make(now, b""), self._make(now, b""), self._make(now, extension(LAST_RESORT, b""))]
        await channel.call(PUT_KEY_PACKAGES, made[:2], made[2])

    async def join(self, channel: Channel) -> Room:
        """Become the second member of the first room in the inbox."""
        _, [(item, room, sequence, message), *_] = await channel.call(INBOX, 0)
        welcome = Reader(message)
        assert (welcome.uint(2), welcome.uint(2), welcome.uint(2)) == (MLS10, WELCOME, SUITE)
        secrets, sealed_info = Reader(welcome.vector()), welcome.vector()
        key = self._keys[secrets.vector()]
        joiner = Reader(decrypt(key.private, "Welcome", sealed_info, secrets)).vector()
        member = mac(joiner, bytes(SIZE))
        opening = derive(member, "welcome")
        keys = expand(opening, "key", b"", 32), expand(opening, "nonce", b"", 12)
        info = Reader(aes_open(*keys, sealed_info, b""))
        assert (info.uint(2), info.uint(2), info.vector()) == (MLS10, SUITE, room)
        number, tree_hash, transcript, extensions = info.uint(8), info.vector(), info.vector(), info.vector()
        secret = expand(member, "epoch", info.data[: info.position], SIZE)
        told = Reader(extensions_of(info.vector())[WELCOME_DATA])
        access, position = (told.uint(4), told.take(32)), (told.uint(8), told.take(32))
        assert position[0] or position == log_start(room)
        epoch = Epoch(room, number, secret, tree_hash, transcript, extensions, 2)
        assert info.vector() == epoch.confirmation_tag
        first_leaf = await self._first_leaf(channel, epoch, sequence, access[1])
        entries = (await channel.call(FETCH, room, position[0], 100))[4]
        for _, _, entry, _ in entries[: sequence - position[0]]:
            position = following(position, entry)
        await channel.call(DROP_INBOX, item)
        return Room(self._account, epoch, position, sequence, 1, access, first_leaf)

    async def _first_leaf(self, channel: Channel, epoch: Epoch, sequence: int, key: bytes) -> bytes:
        """The inviter's leaf, out of the change that led to the tree."""
        _, _, _, changes = await channel.call(FETCH_STATE, epoch.group, sequence)
        change = Reader(unsealed(key, epoch.group, NODE_CHANGES, changes[-1]))
        change.vector()
        assert change.vector() == epoch.tree_hash
        assert change.uint(4) == epoch.width
        nodes = Reader(change.vector())
        assert (nodes.uint(4), nodes.uint(1), nodes.uint(1)) == (0, 1, 1)
        start = nodes.position
        nodes.vector(), nodes.vector()
        assert nodes.uint(2) == BASIC
        for _ in range(6):
            nodes.vector()
        assert nodes.take(1) == FROM_COMMIT
        nodes.vector(), nodes.vector(), nodes.vector()
        return nodes.data[start : nodes.position]

    def _make(self, now: int, extensions: bytes) -> bytes:
        init, lifetime = new_key(), u64(now - DAY) + u64(now + 30 * DAY)
        leaf = leaf_node(self._account, new_key().public, FROM_KEY_PACKAGE + lifetime, b"")
        body = u16(MLS10) + u16(SUITE) + vector(init.public) + leaf + vector(extensions)
        package = body + sign(self._account.mls, "KeyPackageTBS", body)
        self._keys[sha384(vector(b"MLS 1.0 KeyPackage Reference") + vector(package))] = init
        return package

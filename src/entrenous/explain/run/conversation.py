"""The whole conversation, from the first byte of a handshake to a message that a removed member cannot open."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrenous.channel import HYBRID, Suite
from entrenous.crypto import FLOOR, Argon2Parameters, Entropy, KEMPrivateKey
from entrenous.errors import CryptoError, UsageError
from entrenous.explain.model import Attempt
from entrenous.explain.run.accounts import LOGIN_NAME, Account, Desk
from entrenous.explain.run.handshake import Handshake, Host, shake_hands
from entrenous.explain.run.line import Line
from entrenous.explain.run.message import Said, say
from entrenous.explain.run.people import Member
from entrenous.explain.run.recorder import agree, describe
from entrenous.explain.run.room import Change, Room
from entrenous.identity import AccountIdentity, DeviceKeys
from entrenous.mls import Group, KeyPackageBundle
from entrenous.opaque import Server

#: Those whom Alice adds, in the order of their leaves.
_OTHERS = ("bob", "carol", "dave", "erin")


@dataclass(frozen=True, slots=True)
class KeyTest:
    """Somebody's old keys tried on a Commit, and a member's beside them, which have to open it."""

    attempts: tuple[Attempt, ...]
    check: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that happened.

    Attributes:
        members: all five, by name; Dave with what he had when he was removed.
        founded: the tree of the room when Alice was alone in it.
        bundle: Bob's KeyPackage, with its private keys.
        added, renewed, removed: the three Commits.
        theft: what a thief of Carol's keys from before her renewal could do.
        eviction: what Dave could do after his removal.
        agreed: what the members of each epoch were found to agree on.
    """

    now: int
    handshake: Handshake
    account: Account
    opaque: Server
    members: dict[str, Member]
    room: Room
    founded: Group
    bundle: KeyPackageBundle
    added: Change
    renewed: Change
    removed: Change
    agreed: tuple[str, ...]
    theft: KeyTest
    eviction: KeyTest
    said: Said


def hold(entropy: Entropy, now: int, suite: Suite = HYBRID, cost: Argon2Parameters = FLOOR) -> Conversation:
    """Hold a conversation in memory.

    Args:
        entropy: everybody's.
        now: unix seconds.
        suite: of the channels.
        cost: of a guess at the password.

    Raises:
        UsageError: something that must be equal is not, or an attack succeeded.
    """
    host = Host.make(entropy, now)
    handshake = shake_hands(suite, host, entropy, now)
    opaque = Server.generate(entropy)
    account = Desk(handshake.line, host, opaque, entropy, cost).open_account()
    members = {LOGIN_NAME: Member.make(LOGIN_NAME, account.identity, account.device, entropy)}
    for name in _OTHERS:
        identity, device = AccountIdentity.generate(entropy), DeviceKeys.generate(entropy)
        members[name] = Member.make(name, identity, device, entropy)
    alice, carol, dave = members[LOGIN_NAME], members["carol"], members["dave"]
    room = Room(alice, entropy, now)
    founded = alice.group
    bundles = [(members[name], members[name].key_package(entropy, now)) for name in _OTHERS]
    added = room.add(alice, bundles)
    agreed = [_agree(room)]
    stolen, bobs_keys = carol.group.private_keys, members["bob"].group.private_keys
    renewed = room.change(carol)
    agreed.append(_agree(room))
    theft = _keys_fail("A thief has copied Carol's private keys just before her Commit.", renewed, stolen, bobs_keys)
    bobs_keys = members["bob"].group.private_keys
    removed = room.remove(alice, dave)
    agreed.append(_agree(room))
    eviction = _keys_fail(
        "Dave has kept the private keys of his last epoch.", removed, dave.group.private_keys, bobs_keys
    )
    bobs = Line(suite, host.credentials, pin=host.identity.server_id, entropy=entropy, now=now)
    bobs.shake_hands()
    return Conversation(
        now=now,
        handshake=handshake,
        account=account,
        opaque=opaque,
        members=members,
        room=room,
        founded=founded,
        bundle=bundles[0][1],
        added=added,
        renewed=renewed,
        removed=removed,
        agreed=tuple(agreed),
        theft=theft,
        eviction=eviction,
        said=say(room, alice, dave, (handshake.line, bobs), entropy),
    )


def _agree(room: Room) -> str:
    epoch = room.members[0].group.epoch
    return agree(
        f"All {len(room.members)} members of epoch {epoch} hold the same epoch_authenticator.",
        *(member.group.epoch_authenticator for member in room.members),
    )


def _keys_fail(
    what: str, change: Change, keys: Mapping[int, KEMPrivateKey], bobs: Mapping[int, KEMPrivateKey]
) -> KeyTest:
    """Old keys must open nothing of a Commit, and Bob's must open what is for him, lest the test test nothing.

    Raises:
        UsageError: it is not so.
    """
    tries, opened = change.try_keys(keys)
    _, for_bob = change.try_keys(bobs)
    if opened or not tries:
        raise UsageError(f"this attack succeeded: {what}")
    if not for_bob:
        raise UsageError("the keys of a member open nothing of a Commit")
    tried = f"{what} {len(keys)} keys on {tries // len(keys)} sealed path secrets: {tries} tries, and none opens."
    return KeyTest(
        (Attempt(tried, "HPKE", f"{describe(CryptoError())}, {tries} times"),),
        f"The same trial with Bob's keys opens {for_bob} of them: the one that is meant for him.",
    )

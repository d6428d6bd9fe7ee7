"""Members of one MLS group who run different stacks: what the interop tests ask of each, and of all together."""

import abc
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from entrenous.codec import encode_as
from entrenous.crypto import KEMPrivateKey
from entrenous.mls.group import (
    InfoOptions,
    OwnCommit,
    StagedCommit,
    cache_proposal,
    commit,
    external_commit,
    make_group_info,
    make_update,
    stage,
)
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import (
    PSK,
    Add,
    ApplicationData,
    BasicCredential,
    Commit,
    ExternalPSK,
    GroupInfo,
    KeyPackage,
    Lifetime,
    MLSMessage,
    Proposal,
    RatchetTreeNodes,
    Remove,
    WireFormat,
    external_pub,
)
from mls_members import SUITE, Member

#: The longest lifetime, in seconds, of a KeyPackage that we add here: mls-rs makes its own for a year.
MAX_LIFETIME = 366 * 86_400
#: What every stack exports, to compare.
EXPORT_LABEL, EXPORT_CONTEXT, EXPORT_SIZE = "interop", b"\x00\x01", 40


def clock() -> int:
    """Seconds since 1970; real ones, because the other stacks date and judge KeyPackages by the real clock."""
    return int(time.time())


@dataclass(frozen=True)
class Sent:
    """A Commit that its sender has taken already.

    Attributes:
        commit: the message for the others.
        welcomes: one for all newcomers, or one for each.
    """

    commit: bytes
    welcomes: Sequence[bytes] = ()


class StackLimitError(Exception):
    """A stack cannot join by a Welcome that the standard allows; its own tests show why."""


class Party(abc.ABC):
    """One member, on any stack. Messages are encoded MLSMessages."""

    identity: bytes
    #: Whether the stack can send a Commit without proposals, or with the proposals that it received.
    commits_at_will = True
    #: Whether the stack can remove a member from whom it has heard nothing.
    names_strangers = True

    @abc.abstractmethod
    def key_package(self) -> bytes: ...

    @abc.abstractmethod
    def create(self, group_id: bytes) -> None: ...

    @abc.abstractmethod
    def join(self, welcome: bytes) -> None: ...

    @abc.abstractmethod
    def add(self, *key_packages: bytes) -> Sent: ...

    @abc.abstractmethod
    def update(self) -> Sent:
        """Commit the proposals that were received, or none."""

    @abc.abstractmethod
    def remove(self, identity: bytes) -> Sent: ...

    @abc.abstractmethod
    def follow(self, message: bytes) -> bool:
        """Take a Commit or a proposal of another; whether we are still a member after it."""

    @abc.abstractmethod
    def says(self, data: bytes) -> bytes: ...

    @abc.abstractmethod
    def reads(self, message: bytes, sender: bytes) -> bytes: ...

    @abc.abstractmethod
    def facts(self) -> Mapping[str, object]:
        """What the stack tells of its epoch, under names that all stacks share."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.identity!r})"


#: Makes a member of one stack, given his name.
Maker = Callable[[str], Party]


def facts_of_group_info(message: bytes) -> dict[str, object]:
    """What a GroupInfo tells: two who agree in it share the epoch's secrets."""
    info = MLSMessage.decode(message).body
    assert isinstance(info, GroupInfo)
    return {
        "context": info.group_context,
        "confirmation_tag": info.confirmation_tag,
        "external_pub": external_pub(info.extensions),
    }


class Ours(Party):
    """A member on our own stack."""

    def __init__(
        self, name: str, suite: CipherSuite = SUITE, wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE
    ) -> None:
        self.identity = name.encode()
        self.member = Member(name, suite)
        self.wire_format = wire_format
        self.psks: dict[bytes, bytes] = {}
        self.update_keys: dict[bytes, KEMPrivateKey] = {}

    def key_package(self) -> bytes:
        lifetime = Lifetime(clock() - 3600, clock() + 86_400)
        return MLSMessage.of(self.member.key_package(lifetime).key_package).encode()

    def create(self, group_id: bytes) -> None:
        self.member.create(group_id)

    def join(self, welcome: bytes) -> None:
        self.member.join(welcome, psks=self.find_psk)

    def add(self, *key_packages: bytes) -> Sent:
        return self.commits(*(add_of(message) for message in key_packages))

    def update(self) -> Sent:
        return self.commits()

    def remove(self, identity: bytes) -> Sent:
        return self.commits(Remove(self.leaf_of(identity)))

    def commits(self, *proposals: Proposal, **options: Any) -> Sent:
        """Commit these proposals and those that were received, and go on in the new epoch."""
        own = self.prepares(*proposals, **options)
        self.member.enter(own.epoch)
        return Sent(own.message, () if own.welcome is None else (own.welcome,))

    def prepares(self, *proposals: Proposal, **options: Any) -> OwnCommit:
        """A Commit that is not yet taken."""
        me = self.member
        defaults: dict[str, Any] = {
            "by_reference": tuple(me.cached.values()),
            "now": clock(),
            "max_lifetime": MAX_LIFETIME,
            "info": InfoOptions(ratchet_tree_in_welcome=True),
            "psks": self.find_psk,
            "wire_format": self.wire_format,
        }
        own = commit(me.group, me.keys, me.signer, me.entropy, proposals=proposals, **(defaults | options))
        me.keys.apply(own.changes)
        return own

    def proposes(self, proposal: Proposal) -> bytes:
        """A proposal for another to commit."""
        return self.member.proposes(proposal, wire_format=self.wire_format).message

    def proposes_update(self) -> bytes:
        """An Update of our leaf for another to commit."""
        own = make_update(self.member.group, self.member.signer, self.member.entropy)
        self.update_keys[own.proposal.leaf_node.encryption_key] = own.private_key
        return self.proposes(own.proposal)

    def follow(self, message: bytes) -> bool:
        me = self.member
        received = me.opens(message)
        if not isinstance(received.body, Commit):
            proposal = cache_proposal(me.group, received)
            me.cached[proposal.reference] = proposal
            return True
        staged = stage(me.group, received, cached=me.cached, update_keys=self.update_keys, psks=self.find_psk)
        if isinstance(staged, StagedCommit):
            me.enter(staged.epoch)
        return isinstance(staged, StagedCommit)

    def says(self, data: bytes) -> bytes:
        return self.member.says(data)

    def reads(self, message: bytes, sender: bytes) -> bytes:
        received = self.member.opens(message)
        assert received.sender_leaf == self.leaf_of(sender)
        assert isinstance(received.body, ApplicationData)
        return received.body.data

    def facts(self) -> Mapping[str, object]:
        group = self.member.group
        return {
            "epoch": group.epoch,
            "authenticator": group.epoch_authenticator,
            "exporter": group.export(EXPORT_LABEL, EXPORT_CONTEXT, EXPORT_SIZE),
            "tree": encode_as(RatchetTreeNodes, group.tree.nodes()),
            **facts_of_group_info(self.group_info()),
        }

    def group_info(self) -> bytes:
        """With everything that one needs who joins from outside."""
        me = self.member
        return MLSMessage.of(
            make_group_info(me.group, me.signer, with_external_pub=True, with_ratchet_tree=True)
        ).encode()

    def joins_from_outside(self, group_info: bytes, replaces: int | None = None) -> Sent:
        """Join by an external Commit; ``replaces`` is an earlier leaf of ours."""
        me = self.member
        info = MLSMessage.decode(group_info).body
        assert isinstance(info, GroupInfo)
        own = external_commit(info, None, me.signer, me.profile, me.entropy, replaces=replaces)
        me.enter(own.epoch)
        return Sent(own.message)

    def leaf_of(self, identity: bytes) -> int:
        """The leaf index of a member."""
        credential = BasicCredential(identity)
        return next(index for index, leaf in self.member.group.members() if leaf.credential == credential)

    def find_psk(self, psk: PSK) -> bytes | None:
        """The PskSource of our application."""
        return self.psks.get(psk.psk_id) if isinstance(psk, ExternalPSK) else None


def add_of(message: bytes) -> Add:
    """An Add of an encoded KeyPackage."""
    key_package = MLSMessage.decode(message).body
    assert isinstance(key_package, KeyPackage)
    return Add(key_package)


@dataclass
class Gathering:
    """All members of one group, and the delivery of everything that they send. Every step ends with ``check``."""

    members: list[Party] = field(default_factory=list)

    @classmethod
    def of(cls, *parties: Party, group_id: bytes = b"gathering") -> "Gathering":
        """The first creates the group, and each adds the next."""
        first, *others = parties
        first.create(group_id)
        gathering = cls([first])
        for inviter, newcomer in zip(parties, others, strict=False):
            gathering.add(inviter, newcomer)
        return gathering

    def add(self, by: Party, *newcomers: Party) -> None:
        """Somebody adds some in one Commit, and welcomes them."""
        self.welcome(by, by.add(*(newcomer.key_package() for newcomer in newcomers)), *newcomers)

    def welcome(self, by: Party, sent: Sent, *newcomers: Party) -> None:
        """A Commit that adds some reaches the members, and its Welcome the newcomers; who cannot join is removed."""
        assert sent.welcomes
        self._deliver(by, sent.commit)
        unable = []
        for index, newcomer in enumerate(newcomers):
            try:
                newcomer.join(sent.welcomes[min(index, len(sent.welcomes) - 1)])
            except StackLimitError:
                unable.append(newcomer)
            else:
                self.members.append(newcomer)
        self.check()
        by = next(member for member in (by, *self.members) if member.names_strangers)
        for newcomer in unable:
            self.publish(by, by.remove(newcomer.identity))

    def join(self, newcomer: Party, sent: Sent) -> None:
        """An external Commit reaches the members."""
        self._deliver(newcomer, sent.commit)
        if newcomer not in self.members:
            self.members.append(newcomer)
        self.check()

    def update(self, by: Party) -> None:
        """Somebody commits what was proposed, or nothing."""
        self.publish(by, by.update())

    def publish(self, by: Party, sent: Sent) -> None:
        """A Commit that adds nobody reaches the members."""
        assert not sent.welcomes
        self._deliver(by, sent.commit)
        self.check()

    def propose(self, by: Party, *proposals: bytes) -> None:
        """Proposals reach the members."""
        for proposal in proposals:
            self._deliver(by, proposal)

    def remove(self, by: Party, removed: Party) -> None:
        """Somebody removes another, who learns of it."""
        sent = by.remove(removed.identity)
        self.members.remove(removed)
        assert not removed.follow(sent.commit)
        self.publish(by, sent)

    def check(self) -> None:
        """All see the same epoch: what any two can tell of it is equal, and everybody reads everybody."""
        told: dict[str, object] = {}
        for member in self.members:
            for name, value in member.facts().items():
                assert told.setdefault(name, value) == value, (name, member)
        for speaker in self.members:
            message = speaker.says(b"said by " + speaker.identity)
            for listener in self.members:
                if listener is not speaker:
                    assert listener.reads(message, speaker.identity) == b"said by " + speaker.identity

    def _deliver(self, by: Party, message: bytes) -> None:
        for member in self.members:
            if member is not by:
                assert member.follow(message), member


def names() -> Iterator[str]:
    """A new name for everybody."""
    return (f"member {number}" for number in range(1_000_000))


def wander(makers: Sequence[Maker], steps: int, seed: int, *, at_most: int = 9) -> Gathering:
    """A random course of Adds, Removes and Updates in a group, each by a random member of a random stack."""
    rng, name = random.Random(seed), names()
    gathering = Gathering.of(*(make(next(name)) for make in makers))
    for _ in range(steps):
        by = rng.choice(gathering.members)
        room = at_most - len(gathering.members)
        if room and rng.random() < 0.5:
            count = rng.randint(1, min(room, 3))
            gathering.add(by, *(rng.choice(makers)(next(name)) for _ in range(count)))
        elif by.commits_at_will and rng.random() < 0.5:
            gathering.update(by)
        elif len(gathering.members) > 2:
            gathering.remove(by, rng.choice([other for other in gathering.members if other is not by]))
    return gathering

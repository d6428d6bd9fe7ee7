"""People in an MLS group, and what a model knows of them: which keys they still have, and all that they ever held."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from entrenous.crypto import KEMPrivateKey
from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.mls.framing import unprotect
from entrenous.mls.group import (
    RESUMPTION_EPOCHS,
    CachedProposal,
    Eviction,
    Group,
    NewEpoch,
    OwnCommit,
    StagedCommit,
    cache_proposal,
    external_commit,
    join,
    stage,
)
from entrenous.mls.schedule import RatchetKind, RatchetLimits, SecretTree
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import (
    PSK,
    Add,
    ApplicationData,
    BasicCredential,
    Commit,
    ExternalPSK,
    GroupContext,
    GroupContextExtensions,
    GroupInfo,
    InlineProposal,
    LeafNode,
    Lifetime,
    MemberSender,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    Remove,
    Update,
)
from mls_members import LIFETIME, Member

#: What hostile bytes may end in; an UsageError would be a mistake of ours.
REFUSED = (MalformedError, RejectedError, CryptoError)
#: How many of his last states somebody tries to open with what is not for him.
LAST_STATES = 5


def name_of(leaf: LeafNode) -> str:
    """Whose leaf it is."""
    assert isinstance(leaf.credential, BasicCredential)
    return leaf.credential.identity.decode()


@dataclass(eq=False)
class Epoch:
    """One epoch, as whoever began it sees it. Two that begin by different Commits are different, whatever their number.

    Attributes:
        leaves: the members, by name.
    """

    context: GroupContext
    tree: RatchetTree
    authenticator: bytes = field(repr=False)
    leaves: dict[str, int]

    @classmethod
    def of(cls, group: Group) -> "Epoch":
        leaves = {name_of(leaf): index for index, leaf in group.members()}
        return cls(group.context, group.tree, group.epoch_authenticator, leaves)


@dataclass(eq=False)
class Move:
    """What a Commit is said to do.

    Attributes:
        own: as its sender made it.
        after: the epoch that it begins.
        needs: the proposals that it names.
        removed: by name.
        psks: the keys that it mixes in.
    """

    own: OwnCommit
    after: Epoch
    needs: frozenset[bytes]
    removed: frozenset[str]
    psks: tuple[PSK, ...]


@dataclass(eq=False)
class Letter:
    """A message, and what the model knows of it.

    Attributes:
        epoch: that it was made in.
        leaf: its sender's; None where he is no member of that epoch.
        kind: the ratchet that its key is of; None for a PublicMessage.
        generation: of that key.
        text: what was said, if something was.
        move: what it does, if it is a Commit.
        welcome_of: in place of all that, the Commit that this is the Welcome of.
    """

    message: bytes = field(repr=False)
    epoch: Epoch
    sender: str
    leaf: int | None = None
    kind: RatchetKind | None = None
    generation: int = 0
    text: bytes | None = None
    move: Move | None = None
    welcome_of: Move | None = None


class Person(Member):
    """One device, and what the model knows of it."""

    def __init__(self, name: str, suite: CipherSuite, limits: RatchetLimits, psks: dict[bytes, bytes]) -> None:
        super().__init__(name, suite)
        self.limits, self.psks = limits, psks
        self.epoch: Epoch | None = None
        self.is_out = False
        self.inbox: list[Letter] = []
        self.pending: list[Letter] = []
        self.update_keys: dict[bytes, KEMPrivateKey] = {}
        #: Epochs whose resumption PSK he has.
        self.resumable: tuple[int, ...] = ()
        #: Of each sender's ratchet: the generation after the newest that was received, and those that were.
        self.heads: dict[tuple[int, RatchetKind], int] = {}
        self.used: set[tuple[int, RatchetKind, int]] = set()
        #: All that he ever held: epochs with their untouched secret trees; public keys whose private key he knows.
        self.known: list[tuple[Epoch, NewEpoch]] = []
        self.keys_known: set[bytes] = set()

    def find_psk(self, psk: PSK) -> bytes | None:
        """The PskSource of his application."""
        return self.psks.get(psk.psk_id) if isinstance(psk, ExternalPSK) else None

    def has_psk(self, psk: PSK) -> bool:
        """What the model says of ``find_psk`` and the group's own memory."""
        if isinstance(psk, ExternalPSK):
            return psk.psk_id in self.psks
        return psk.psk_epoch in (*self.resumable, self.place.context.epoch)

    def learns(self, privates: Iterable[KEMPrivateKey]) -> None:
        """He has held these private keys."""
        self.keys_known |= {self.suite.hpke.key_pair(key.reveal()).public for key in privates}

    def key_package(self, lifetime: Lifetime = LIFETIME) -> Add:
        add = super().key_package(lifetime)
        bundle = self.bundles[self.suite.key_package_ref(add.key_package.encode())]
        self.learns([bundle.init_private, bundle.encryption_private])
        return add

    def was_in(self, epoch: Epoch) -> bool:
        return any(known is epoch for known, _ in self.known)

    def enters(self, epoch: Epoch, new: NewEpoch, *, is_new_here: bool) -> None:
        """Go on in another epoch, which must be the one that the model says."""
        group = new.group
        assert (group.epoch_authenticator, group.context) == (epoch.authenticator, epoch.context), self
        assert group.tree.tree_hash() == epoch.tree.tree_hash() == group.context.tree_hash
        assert group.own_leaf == epoch.leaves[self.name]
        last = () if is_new_here or self.epoch is None else (*self.resumable, self.epoch.context.epoch)
        self.resumable = last[-RESUMPTION_EPOCHS:]
        self.enter(new)
        self.epoch, self.is_out = epoch, False
        self.pending, self.update_keys, self.heads, self.used = [], {}, {}, set()
        self.known.append((epoch, new))
        self.learns(group.private_keys.values())

    def joins(self, welcome: bytes, tree: RatchetTree) -> NewEpoch:
        """What a Welcome leads to; whether he goes there is another matter."""
        return join(welcome, self.bundles.get, tree=tree, psks=self.find_psk).epoch

    def goes_outside(
        self, info: GroupInfo, tree: RatchetTree, replaces: int | None, psks: Sequence[PreSharedKeyID]
    ) -> OwnCommit:
        """His external Commit."""
        return external_commit(
            info,
            tree,
            self.signer,
            self.profile,
            self.entropy,
            replaces=replaces,
            use_psks=psks,
            psks=self.find_psk,
        )

    @property
    def place(self) -> Epoch:
        """The epoch that he is in."""
        assert self.epoch is not None, self
        return self.epoch

    def handles(self, message: bytes) -> bytes | StagedCommit | Eviction | None:
        """What a client does with bytes that came; what was refused leaves him as he was."""
        received = unprotect(self.group, self.keys, message, limits=self.limits)
        result: bytes | StagedCommit | Eviction | None = None
        match received.body:
            case ApplicationData(data=data):
                assert received.sender_leaf is not None
                result = name_of(self.group.tree.member(received.sender_leaf)).encode() + b": " + data
            case InlineProposal():
                proposal = cache_proposal(self.group, received)
                self.cached[proposal.reference] = proposal
            case Commit():
                update_keys, cached = self.update_keys, self.cached
                result = stage(self.group, received, cached=cached, update_keys=update_keys, psks=self.find_psk)
        self.keys.apply(received.changes)
        return result

    def state(self) -> object:
        """All that a message could change."""
        keys = [(index, self.keys.node(index)) for index in range(2 * self.group.width)]
        ratchets = [self.keys.ratchet(leaf, kind) for leaf in range(self.group.width) for kind in RatchetKind]
        return self.group, keys, ratchets, dict(self.cached), self.is_out

    def __repr__(self) -> str:
        place = "nowhere" if self.epoch is None else f"epoch {self.epoch.context.epoch}"
        return f"<{self.name}, {'out of ' if self.is_out else ''}{place}, {len(self.inbox)} letters>"


class Draft:
    """The proposals of a Commit that somebody is about to make, and what may stand beside them (RFC 9420 §12.2)."""

    def __init__(self, committer: Person, most_members: int) -> None:
        self.committer = committer
        self.by_reference: list[CachedProposal] = []
        self.proposals: list[Proposal] = []
        self._leaves = {committer.group.own_leaf}
        self._names = set(committer.place.leaves)
        self._most = most_members
        self._has_extensions = False

    def takes(self, proposal: Proposal, sender: int | None = None) -> bool:
        """Note a proposal, if it may stand beside the others."""
        match proposal:
            case Update():
                return sender is not None and self._takes_leaf(sender)
            case Remove(removed=leaf):
                return leaf in self.committer.place.leaves.values() and self._takes_leaf(leaf)
            case Add(key_package=package):
                return self._takes_name(name_of(package.leaf_node))
            case PreSharedKey(psk=identity):
                return self.committer.has_psk(identity.psk)
            case GroupContextExtensions():
                had, self._has_extensions = self._has_extensions, True
                return not had
        raise TypeError(proposal)

    def takes_cached(self, cached: CachedProposal) -> None:
        """Commit a received proposal by its reference, if it may be."""
        assert isinstance(cached.sender, MemberSender)
        if self.takes(cached.proposal, cached.sender.leaf_index):
            self.by_reference.append(cached)

    def takes_own(self, proposal: Proposal) -> None:
        """Commit a proposal by value, if it may be."""
        if self.takes(proposal):
            self.proposals.append(proposal)

    def _takes_leaf(self, leaf: int) -> bool:
        is_free = leaf not in self._leaves
        self._leaves.add(leaf)
        return is_free

    def _takes_name(self, name: str) -> bool:
        is_free = name not in self._names and len(self._names) < self._most
        if is_free:
            self._names.add(name)
        return is_free


def refuses(person: Person, message: bytes) -> None:
    """Somebody who is in a group refuses some bytes and is what he was."""
    if person.epoch is None:
        return
    before = person.state()
    with pytest.raises(REFUSED):
        person.handles(message)
    assert person.state() == before


def disguised(known: NewEpoch, epoch: Epoch) -> Group:
    """Somebody's secrets of one epoch in the clothes of another, all of whose public state he has got."""
    return dataclasses.replace(known.group, context=epoch.context, tree=epoch.tree)


def cannot_read(person: Person, letter: Letter) -> None:
    """With nothing that somebody ever held can he open a message."""
    for _, known in person.known[-LAST_STATES:]:
        with pytest.raises(CryptoError):
            unprotect(disguised(known, letter.epoch), SecretTree(known.nodes), letter.message)

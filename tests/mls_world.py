"""People in an MLS group and a delivery service that does as it likes, beside a plain model of what must come of it.

The model has no cryptography. It knows who was in which epoch, which Commit leads from one to the next, and which keys
of messages a receiver still has; so it can tell of each delivery whether it must be accepted. Everybody keeps, beside
what a member keeps, all that he ever held: that is what a former member, or one of tomorrow, would attack with.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from entrenous.errors import RejectedError
from entrenous.mls.framing import no_padding, protect_application
from entrenous.mls.group import Eviction, OwnCommit, StagedCommit, create_group, make_group_info, make_update
from entrenous.mls.schedule import KeyChanges, RatchetKind, RatchetLimits
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree.tree_math import leaves_below
from entrenous.mls.types import (
    PSK,
    Add,
    ExternalPSK,
    MLSMessage,
    PreSharedKey,
    PreSharedKeyID,
    Proposal,
    PublicMessage,
    Remove,
    Welcome,
    WireFormat,
)
from mls_people import Draft, Epoch, Letter, Move, Person, cannot_read, name_of, refuses

#: How many may be in the group, and how many there may be in the world.
MOST_MEMBERS, MOST_PEOPLE = 12, 16
#: How many of the last messages who comes into an epoch tries to read.
LAST_SAID = 12


class World:
    """The people, the letters on their way, and every epoch that there ever was."""

    def __init__(self, suite: CipherSuite, limits: RatchetLimits) -> None:
        self.suite, self.limits = suite, limits
        self.people: list[Person] = []
        self.psks: dict[bytes, bytes] = {}
        self.epochs: list[Epoch] = []
        self.sent: list[Letter] = []
        self.numbers = itertools.count()
        self.evictions = 0
        founder = self.newcomer()
        new = create_group(suite, b"a group", founder.signer, founder.profile, founder.entropy)
        self.epochs.append(Epoch.of(new.group))
        founder.enters(self.epochs[0], new, is_new_here=True)

    # Who and where.

    def newcomer(self) -> Person:
        """Somebody new in the world, who has the pre-shared keys of today."""
        person = Person(f"person {len(self.people) + 1}", self.suite, self.limits, dict(self.psks))
        self.people.append(person)
        return person

    def insiders(self) -> list[Person]:
        """Everybody who holds the state of some epoch, members and former members."""
        return [person for person in self.people if person.epoch is not None]

    def in_epoch(self, epoch: Epoch) -> list[Person]:
        """Everybody whose state is this epoch's."""
        return [person for person in self.people if person.epoch is epoch]

    def strangers(self, epoch: Epoch) -> list[Person]:
        """Those who are no members of an epoch and could be added."""
        return [person for person in self.people if person.name not in epoch.leaves]

    def new_psk(self) -> bytes:
        """A pre-shared key that everybody has who lives today."""
        number = next(self.numbers)
        name, value = b"psk %d" % number, b"value %d" % number
        for person in self.people:
            person.psks[name] = value
        self.psks[name] = value
        return name

    # What people do.

    def says(self, person: Person) -> Letter:
        """Somebody says something; nobody can read it who was not in his epoch."""
        epoch, text = person.place, b"saying %d" % next(self.numbers)
        sent = protect_application(
            person.group, person.keys, person.signer, text, padding=no_padding, entropy=person.entropy
        )
        letter = self._letter(person, sent.message, sent.changes, text=text)
        person.keys.apply(sent.changes)
        for other in self.people:
            if not other.was_in(epoch):
                cannot_read(other, letter)
        return letter

    def proposes(self, person: Person, proposal: Proposal, wire_format: WireFormat) -> None:
        """Somebody proposes something."""
        sent = person.proposes(proposal, wire_format=wire_format)
        self._letter(person, sent.message, sent.changes)

    def proposes_update(self, person: Person, wire_format: WireFormat) -> None:
        """Somebody proposes a new key for himself."""
        own = make_update(person.group, person.signer, person.entropy)
        person.update_keys[own.proposal.leaf_node.encryption_key] = own.private_key
        person.learns([own.private_key])
        self.proposes(person, own.proposal, wire_format)

    def commits(self, person: Person, draft: Draft, **options: Any) -> Letter:
        """Somebody makes a Commit, and does not know yet whether it is taken."""
        before, by_reference = person.place, draft.by_reference
        own = person.prepare(*draft.proposals, by_reference=by_reference, psks=person.find_psk, **options)
        done = [*(known.proposal for known in by_reference), *draft.proposals]
        move = self._move(before, own, done, {known.reference for known in by_reference}, joins=())
        if move.removed:
            leaf = 2 * person.group.own_leaf
            assert move.after.tree.encryption_key(leaf) != before.tree.encryption_key(leaf), "no path after a removal"
        person.learns(own.epoch.group.private_keys.values())
        self._check_holders(move.after)
        letter = self._letter(person, own.message, own.changes, move=move)
        person.pending.append(letter)
        if own.welcome is not None:
            invitation = Letter(own.welcome, before, person.name, welcome_of=move)
            self.sent.append(invitation)
            for newcomer in self.people:
                if newcomer.name in move.after.leaves.keys() - before.leaves.keys():
                    newcomer.inbox.append(invitation)
        return letter

    def comes_from_outside(self, person: Person, helper: Person, psks: Sequence[PSK] = ()) -> Letter:
        """Somebody joins by what another tells of the group, in place of his own leaf if he has one there."""
        before = helper.place
        info = make_group_info(helper.group, helper.signer, with_external_pub=True)
        identities = [self.psk_id(psk) for psk in psks]
        own = person.goes_outside(info, before.tree, before.leaves.get(person.name), identities)
        done: list[Proposal] = [PreSharedKey(identity) for identity in identities]
        if person.name in before.leaves:
            done.append(Remove(before.leaves[person.name]))
        move = self._move(before, own, done, (), joins=[person.name])
        letter = Letter(own.message, before, person.name, move=move)
        self._send(letter)
        person.enters(move.after, own.epoch, is_new_here=True)
        self._arrives(person, move.after)
        return letter

    def psk_id(self, psk: PSK) -> PreSharedKeyID:
        """One use of a pre-shared key."""
        return PreSharedKeyID(psk, next(self.numbers).to_bytes(self.suite.secret_size, "big"))

    def takes(self, person: Person, letter: Letter) -> None:
        """The delivery service tells somebody that his Commit is the one."""
        assert letter.move is not None
        person.enters(letter.move.after, letter.move.own.epoch, is_new_here=False)
        self._arrives(person, letter.move.after)

    # What the delivery service does.

    def delivers(self, person: Person, letter: Letter) -> None:
        """A letter reaches somebody, for the first time or again, in time or not; the model says what comes of it."""
        if letter.welcome_of is not None:
            self._welcomes(person, letter, letter.welcome_of)
        elif not self.is_acceptable(person, letter):
            refuses(person, letter.message)
        else:
            self._accepts(person, letter)

    def is_acceptable(self, person: Person, letter: Letter) -> bool:
        """Whether somebody must take a message."""
        epoch = person.epoch
        if epoch is None or epoch is not letter.epoch or not self._has_key(person, letter, epoch):
            return False
        if letter.move is None:
            return True
        if letter.leaf == epoch.leaves[person.name] or not letter.move.needs <= person.cached.keys():
            return False
        return person.name in letter.move.removed or all(map(person.has_psk, letter.move.psks))

    def settles(self) -> None:
        """Everything that is on its way arrives, in the order in which it was sent; the first Commit is the one."""
        for letter in self.sent:
            for person in self.people:
                if letter in person.inbox:
                    person.inbox.remove(letter)
                    self.delivers(person, letter)
                elif letter in person.pending:
                    self.takes(person, letter)

    # The model.

    def _letter(self, person: Person, message: bytes, changes: KeyChanges, **more: Any) -> Letter:
        """A member's message to the others of his epoch."""
        leaf, kind, generation = person.group.own_leaf, None, 0
        parsed = MLSMessage.decode(message)
        if not isinstance(parsed.body, PublicMessage):
            kind = RatchetKind.APPLICATION if "text" in more else RatchetKind.HANDSHAKE
            generation = changes.ratchets[leaf, kind].generation - 1
        letter = Letter(message, person.place, person.name, leaf, kind, generation, **more)
        self._send(letter)
        return letter

    def _send(self, letter: Letter) -> None:
        self.sent.append(letter)
        for other in self.people:
            if other.name in letter.epoch.leaves and other.name != letter.sender:
                other.inbox.append(letter)

    def _move(
        self, before: Epoch, own: OwnCommit, done: Sequence[Proposal], needs: Iterable[bytes], joins: Sequence[str]
    ) -> Move:
        """What a Commit does, checked against what its sender came to."""
        names = {index: name for name, index in before.leaves.items()}
        removed = frozenset(names[proposal.removed] for proposal in done if isinstance(proposal, Remove))
        added = {name_of(add.key_package.leaf_node) for add in done if isinstance(add, Add)}
        after = Epoch.of(own.epoch.group)
        assert after.leaves.keys() == (before.leaves.keys() - removed) | added | {*joins}
        assert after.context.epoch == before.context.epoch + 1
        after = self._begun(before, after, own.epoch.group.own_leaf)
        psks = tuple(proposal.psk.psk for proposal in done if isinstance(proposal, PreSharedKey))
        return Move(own, after, frozenset(needs), removed, psks)

    def _begun(self, before: Epoch, after: Epoch, committer: int) -> Epoch:
        """An epoch that a Commit begins: a new one, unless the same Commit was made before."""
        for epoch in self.epochs:
            if epoch.authenticator == after.authenticator:
                # That can only be one without a path, in which nothing is fresh.
                leaf = 2 * committer
                assert epoch.context == after.context
                assert epoch.tree.encryption_key(leaf) == before.tree.encryption_key(leaf)
                return epoch
        self.epochs.append(after)
        return after

    def _has_key(self, person: Person, letter: Letter, epoch: Epoch) -> bool:
        """Whether somebody still has the key that a letter of his epoch was sealed under."""
        if letter.kind is None or letter.leaf is None:
            return True
        if letter.leaf == epoch.leaves[person.name]:
            return False
        ratchet = letter.leaf, letter.kind
        head = person.heads.get(ratchet, 0)
        if letter.generation >= head:
            return letter.generation - head <= self.limits.forward
        is_used = (*ratchet, letter.generation) in person.used
        return not is_used and letter.generation >= head - 1 - self.limits.window

    def _accepts(self, person: Person, letter: Letter) -> None:
        result = person.handles(letter.message)
        if letter.kind is not None and letter.leaf is not None:
            ratchet = letter.leaf, letter.kind
            person.used.add((*ratchet, letter.generation))
            person.heads[ratchet] = max(person.heads.get(ratchet, 0), letter.generation + 1)
        if letter.text is not None:
            assert result == letter.sender.encode() + b": " + letter.text
        if letter.move is None:
            return
        if person.name in letter.move.removed:
            assert isinstance(result, Eviction)
            person.is_out = True
            self.evictions += 1
            return
        assert isinstance(result, StagedCommit)
        person.enters(letter.move.after, result.epoch, is_new_here=False)
        self._arrives(person, letter.move.after)

    def _welcomes(self, person: Person, letter: Letter, move: Move) -> None:
        """Somebody gets a Welcome: he joins by it once, if it is for him and he has its keys."""
        named = _references(letter.message) & person.bundles.keys()
        if not named or not all(isinstance(psk, ExternalPSK) and psk.psk_id in person.psks for psk in move.psks):
            with pytest.raises(RejectedError):
                person.joins(letter.message, move.after.tree)
            return
        new = person.joins(letter.message, move.after.tree)
        for reference in named:
            del person.bundles[reference]
        person.enters(move.after, new, is_new_here=True)
        self._arrives(person, move.after)

    def _arrives(self, person: Person, epoch: Epoch) -> None:
        """Somebody is in an epoch: those in it agree, and he can read nothing from before his time."""
        self._check_holders(epoch)
        members = self.in_epoch(epoch)
        assert len({member.group.epoch_authenticator for member in members}) == 1
        assert len({member.group.tree.tree_hash() for member in members}) == 1
        assert len({member.group.export("a test", b"", 32) for member in members}) == 1
        for letter in [letter for letter in self.sent if letter.text is not None][-LAST_SAID:]:
            if not person.was_in(letter.epoch):
                cannot_read(person, letter)

    def _check_holders(self, epoch: Epoch) -> None:
        """A node's private key is known to members below it and to nobody else in the world (RFC 9420 §4.2)."""
        for index, node in enumerate(epoch.tree.nodes()):
            for person in self.people:
                if node is not None and node.encryption_key in person.keys_known:
                    assert epoch.leaves.get(person.name) in leaves_below(index), (person, index, epoch.leaves)


def _references(message: bytes) -> set[bytes]:
    """The KeyPackages that a Welcome names."""
    welcome = MLSMessage.decode(message).body
    assert isinstance(welcome, Welcome)
    return {entry.new_member for entry in welcome.secrets}

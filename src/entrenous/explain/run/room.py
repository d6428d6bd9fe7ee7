"""The room of this run: five devices, four epochs, one of them removed. All of it with the product's own MLS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrenous.codec import decode_as, encode_as
from entrenous.content import (
    ROOM_SETTINGS_EXTENSION,
    Role,
    RoomSettings,
    new_settings,
    padded_size,
    with_member,
    without_member,
)
from entrenous.crypto import Entropy, KEMPrivateKey, draw
from entrenous.errors import CryptoError, UsageError
from entrenous.explain.run.people import Member, judge_leaf
from entrenous.explain.run.recorder import Recorder
from entrenous.identity import LEAF_CERTIFICATE_EXTENSION
from entrenous.mls import (
    ROOM_SUITE,
    Add,
    Commit,
    Extension,
    ExtensionType,
    Group,
    GroupContextExtensions,
    KeyPackageBundle,
    LeafChange,
    OwnCommit,
    RatchetTree,
    RatchetTreeNodes,
    Received,
    Remove,
    RequiredCapabilities,
    commit,
    create_group,
    join,
    make_extension,
    stage,
)
from entrenous.mls.group import Eviction
from entrenous.mls.group.epoch import provisional_context
from entrenous.mls.tree.treekem import PATH_LABEL
from entrenous.mls.types import Proposal
from entrenous.wire import CommitData, LogPosition, RosterAction, RosterChange
from entrenous.wire.limits import MESSAGE_ID_SIZE, ROOM_ID_SIZE

#: The room's name, which the server never sees.
ROOM_NAME = "garden"
#: What every leaf has to understand (docs/spec/groups.md).
_REQUIRED = RequiredCapabilities((ROOM_SETTINGS_EXTENSION, LEAF_CERTIFICATE_EXTENSION), (), ())


@dataclass(frozen=True, slots=True)
class Change:
    """One Commit of the room: the epoch before it, and what it made.

    Attributes:
        committer: whose it is.
        before: the committer's group in the epoch that ended.
        made: the Commit, its Welcome and the epoch.
        trace: of all that the committer derived for it.
        received: the Commit as another member took it; None where nobody else was there.
    """

    committer: Member
    before: Group
    made: OwnCommit
    trace: Recorder
    received: Received | None

    @property
    def after(self) -> Group:
        """The group in the epoch that it began."""
        return self.made.epoch.group

    @property
    def commit(self) -> Commit:
        """Its body, as somebody else read it.

        Raises:
            UsageError: nobody else was there.
        """
        if self.received is None or not isinstance(self.received.body, Commit):
            raise UsageError("nobody received this Commit")
        return self.received.body

    def try_keys(self, keys: Mapping[int, KEMPrivateKey]) -> tuple[int, int]:
        """Try every private key on every path secret of this Commit; returns how many tries, and how many opened."""
        path = self.commit.path
        context = provisional_context(self.before.context, self.after.tree, self.after.context.extensions).encode()
        tries = opened = 0
        for node in () if path is None else path.nodes:
            for sealed in node.encrypted_path_secret:
                for key in keys.values():
                    tries += 1
                    try:
                        ROOM_SUITE.decrypt_with_label(key, PATH_LABEL, context, sealed.kem_output, sealed.ciphertext)
                    except CryptoError:
                        continue
                    opened += 1
        return tries, opened


class Room:
    """A room and its log. Every Commit goes to every member, in order.

    Args:
        founder: who opens it.
        entropy: everybody's.
        now: unix seconds.
    """

    def __init__(self, founder: Member, entropy: Entropy, now: int) -> None:
        self.id = draw(entropy, ROOM_ID_SIZE)
        self.members: list[Member] = [founder]
        self.position = LogPosition.start(self.id)
        self.now = now
        self.settings = new_settings(ROOM_NAME, founder.identity.account_id)
        self._entropy = entropy
        extensions = (
            Extension(ROOM_SETTINGS_EXTENSION, self.settings.encode()),
            make_extension(ExtensionType.REQUIRED_CAPABILITIES, _REQUIRED),
        )
        founder.enter(
            create_group(
                ROOM_SUITE,
                self.id,
                founder.device.mls,
                founder.profile,
                entropy,
                extensions=extensions,
                trace=founder.trace,
            )
        )

    def add(self, adder: Member, newcomers: Sequence[tuple[Member, KeyPackageBundle]]) -> Change:
        """One Commit that adds all of them, and one Welcome by which they join."""
        settings = self.settings
        for newcomer, _ in newcomers:
            settings = with_member(settings, newcomer.identity.account_id, Role.MEMBER)
        adds = [Add(bundle.key_package) for _, bundle in newcomers]
        change = self.change(adder, adds, settings, RosterAction.ADD, [newcomer for newcomer, _ in newcomers])
        # The tree does not travel in the Welcome: a joiner finds it at the server, sealed (docs/spec/groups.md).
        tree = encode_as(RatchetTreeNodes, change.after.tree.nodes())
        for newcomer, bundle in newcomers:
            joined = join(
                change.made.welcome or b"",
                {bundle.reference: bundle}.get,
                tree=RatchetTree.from_nodes(ROOM_SUITE.hash, decode_as(RatchetTreeNodes, tree)),
                credentials=judge_leaf,
                trace=newcomer.trace,
            )
            newcomer.enter(joined.epoch)
            self.members.append(newcomer)
        return change

    def remove(self, remover: Member, removed: Member) -> Change:
        """One Commit that removes a device and its account; the removed one is told to go, and keeps what it had."""
        settings = without_member(self.settings, removed.identity.account_id)
        change = self.change(remover, [Remove(removed.group.own_leaf)], settings, RosterAction.REMOVE, [removed])
        self.members.remove(removed)
        return change

    def change(
        self,
        committer: Member,
        proposals: Sequence[Proposal] = (),
        settings: RoomSettings | None = None,
        action: RosterAction = RosterAction.ADD,
        whom: Sequence[Member] = (),
    ) -> Change:
        """A Commit with a path, taken by everybody who is in the room."""
        before = committer.group
        after = settings or self.settings
        extensions = (Extension(ROOM_SETTINGS_EXTENSION, after.encode()), *before.context.extensions[1:])
        changing = (GroupContextExtensions(extensions),) if after != self.settings else ()
        roster = sorted((member.identity.account_id, action) for member in whom)
        data = CommitData(
            draw(self._entropy, MESSAGE_ID_SIZE),
            after.retention_seconds,
            tuple(RosterChange(account, done) for account, done in roster),
            self.position,
            b"",
        )
        trace = Recorder()
        made = commit(
            before,
            committer.keys,
            committer.device.mls,
            self._entropy,
            proposals=(*proposals, *changing),
            authenticated_data=data.encode(),
            now=self.now,
            leaf=LeafChange(committer.profile),
            credentials=judge_leaf,
            padding=padded_size,
            trace=trace,
        )
        received = self._take(made.message, committer)
        committer.enter(made.epoch)
        self.settings, self.position = after, self.position.then(made.message)
        return Change(committer, before, made, trace, received)

    def _take(self, message: bytes, committer: Member) -> Received | None:
        """Have everybody but its committer judge a Commit and follow it, whoever is not put out by it."""
        received = None
        for member in self.members:
            if member is committer:
                continue
            received = member.receive(message)
            staged = stage(member.group, received, credentials=judge_leaf, trace=member.trace)
            if not isinstance(staged, Eviction):
                member.enter(staged.epoch)
        return received

"""Whether a Commit may do what it does: the rules of a room, on top of MLS's (docs/spec/groups.md).

A pure function of the group's state, the settings in it and the Commit's bytes. Never of a clock, a local setting, a
contact or the server's word: so all honest members decide alike, and a refused Commit changes nothing anywhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from entrenous.client.leaf_owners import known_owner_of, owner_of
from entrenous.client.rosters import judge_roster, roster_delta
from entrenous.content import ROOM_SETTINGS_EXTENSION, JoinPolicy, Role, RoomSettings, is_banned, read_settings, role_of
from entrenous.errors import RejectedError
from entrenous.identity import LeafOwner
from entrenous.mls.group import CommitView
from entrenous.mls.types import (
    Add,
    Extension,
    GroupContextExtensions,
    LeafNode,
    Remove,
    find_extension,
)
from entrenous.wire import CommitData, RosterAction

#: The proposals that rooms use. Updates by proposal, pre-shared keys and reinitialisation have no place: whether such
#: a Commit can be followed would depend on what a member happens to have kept.
_PROPOSALS = (Add, Remove, GroupContextExtensions)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A Commit as the rules see it."""

    view: CommitView
    before: RoomSettings
    after: RoomSettings
    committer: LeafOwner
    renewed: LeafOwner
    added: tuple[LeafOwner, ...]
    removed: tuple[LeafOwner, ...]
    data: CommitData

    @property
    def is_admin(self) -> bool:
        return role_of(self.before, self.committer.account_id) is Role.ADMIN


def judge(view: CommitView) -> None:
    """Accept a Commit by returning.

    Args:
        view: a Commit that keeps all rules of MLS.

    Raises:
        RejectedError: a rule POLICY-…, ROOM-… or ID-LEAF-… is broken.
        MalformedError: settings, certificate or authenticated data are no encoding of such.
        CryptoError: a leaf's certificate is not signed by its account.
    """
    if view.is_external:
        raise RejectedError("POLICY-EXTERNAL", "rooms take no external Commits yet")
    for item in view.proposals:
        if item.sender != view.sender or not isinstance(item.proposal, _PROPOSALS):
            raise RejectedError("POLICY-PROPOSAL", f"a Commit holds a {type(item.proposal).__name__} of no use here")
    commit = _read(view)
    _judge_extensions(view)
    _judge_committer(commit)
    _judge_added(commit)
    _judge_removed(commit)
    _judge_members(commit)
    _judge_settings(commit)
    _judge_data(commit)


def settings_of(extensions: Iterable[Extension]) -> RoomSettings:
    """The settings in a GroupContext.

    Raises:
        RejectedError: POLICY-SETTINGS-MISSING, or a rule ROOM-SETTINGS-….
        MalformedError: they are no encoding of settings.
    """
    data = find_extension(extensions, ROOM_SETTINGS_EXTENSION)
    if data is None:
        raise RejectedError("POLICY-SETTINGS-MISSING", "a group without room settings is no room")
    return read_settings(data)


def judge_state(members: Iterable[LeafNode], extensions: tuple[Extension, ...]) -> RoomSettings:
    """Judge a whole group, as one who joins must: every leaf is certified, and of an account that is a member.

    Raises:
        RejectedError, MalformedError, CryptoError: as ``judge``.
    """
    settings = settings_of(extensions)
    accounts: dict[bytes, bytes] = {}
    devices: set[tuple[bytes, bytes]] = set()
    for leaf in members:
        owner = owner_of(leaf)
        _check_same_identity(accounts.setdefault(owner.account_id, owner.identity_key), owner)
        if role_of(settings, owner.account_id) is None:
            raise RejectedError("POLICY-MEMBERS", "a leaf is of an account that is no member")
        _check_new_device(devices, owner)
    # Else whoever makes up a group could show a newcomer people who are not there.
    if accounts.keys() != {member.account_id for member in settings.members}:
        raise RejectedError("POLICY-MEMBERS", "an account is a member without a leaf")
    return settings


def _read(view: CommitView) -> _Commit:
    return _Commit(
        view=view,
        before=settings_of(view.group.context.extensions),
        after=settings_of(view.extensions),
        committer=known_owner_of(view.group.tree.member(view.committer)),
        renewed=owner_of(view.leaf),
        added=tuple(owner_of(leaf) for _, leaf in view.added),
        removed=tuple(known_owner_of(leaf) for _, leaf in view.removed),
        data=CommitData.decode(view.authenticated_data),
    )


def _judge_extensions(view: CommitView) -> None:
    """The settings are all that a room ever changes in its GroupContext."""
    if _without_settings(view.group.context.extensions) != _without_settings(view.extensions):
        raise RejectedError("POLICY-EXTENSIONS", "a Commit changes another extension than the settings")
    if sum(extension.extension_type == ROOM_SETTINGS_EXTENSION for extension in view.extensions) != 1:
        raise RejectedError("POLICY-EXTENSIONS", "a group has one settings extension")


def _without_settings(extensions: Iterable[Extension]) -> list[Extension]:
    return [extension for extension in extensions if extension.extension_type != ROOM_SETTINGS_EXTENSION]


def _judge_committer(commit: _Commit) -> None:
    """A Commit renews its sender's keys, and never makes it somebody else."""
    renewed = commit.renewed
    if (renewed.account_id, renewed.device_id) != (commit.committer.account_id, commit.committer.device_id):
        raise RejectedError("POLICY-COMMITTER", "a Commit turns its sender's leaf into another device's")
    _check_same_identity(commit.committer.identity_key, renewed)
    if renewed.list_version < commit.committer.list_version:
        raise RejectedError("POLICY-LIST-VERSION", "a leaf goes back to an older device list")


def _judge_added(commit: _Commit) -> None:
    if not commit.added:
        return
    staying = list(_owners_staying(commit))
    known = {owner.account_id: owner.identity_key for owner in (*staying, *commit.removed)}
    devices = {(owner.account_id, owner.device_id) for owner in staying}
    # A KeyPackage of a device that was revoked since stays genuine for ever; a newer leaf of its account outdates it.
    newest: dict[bytes, int] = {}
    for owner in (*staying, *commit.removed):
        newest[owner.account_id] = max(owner.list_version, newest.get(owner.account_id, 0))
    for owner in commit.added:
        account = owner.account_id
        if is_banned(commit.after, account):
            raise RejectedError("POLICY-BANNED", "a banned account is added")
        _check_same_identity(known.setdefault(account, owner.identity_key), owner)
        _check_new_device(devices, owner)
        if owner.list_version < newest.get(account, 0):
            raise RejectedError(
                "POLICY-LIST-VERSION", "a device is added under an older device list than is known here"
            )
        is_new = role_of(commit.before, account) is None
        if is_new and not commit.is_admin and commit.before.join_policy is not JoinPolicy.MEMBERS_ADD:
            raise RejectedError("POLICY-ADD", "only admins add accounts to this room")


def _judge_removed(commit: _Commit) -> None:
    """Accounts are removed by admins; a device of an account that stays, by whoever brings its successor."""
    newest = {
        owner.account_id: max(other.list_version for other in commit.added if other.account_id == owner.account_id)
        for owner in commit.added
    }
    for owner in commit.removed:
        if role_of(commit.after, owner.account_id) is None:
            continue  # its account goes: POLICY-SETTINGS lets only admins do that
        # An account's devices may remove each other, but an older one, which may be stolen, never a newer one.
        if owner.account_id == commit.renewed.account_id and commit.renewed.list_version >= owner.list_version:
            continue
        # The account's own signature over a newer device list, in the leaf that is added, says that it has moved on.
        if newest.get(owner.account_id, 0) <= owner.list_version:
            raise RejectedError("POLICY-REMOVE", "a device is removed without its account or its successor")


def _judge_members(commit: _Commit) -> None:
    """Leaves are of members, and who becomes a member brings a leaf."""
    members = {member.account_id for member in commit.after.members}
    gone = {change.account for change in commit.data.roster if change.action is RosterAction.REMOVE}
    for owner in commit.added:
        if owner.account_id not in members:
            raise RejectedError("POLICY-MEMBERS", "a leaf is added for an account that is no member")
    missing = {member.account_id for member in commit.before.members} - members
    if missing | gone:
        for owner in _owners_staying(commit):
            if owner.account_id not in members:
                raise RejectedError("POLICY-MEMBERS", "an account is removed and keeps a leaf")
    if missing and commit.added:
        # It begins a new access key, and a Welcome tells the one before: who joins could not open the room's state.
        raise RejectedError("POLICY-ADD-REMOVE", "one Commit removes an account and adds a leaf")
    joined = members - {member.account_id for member in commit.before.members}
    if not joined <= {owner.account_id for owner in commit.added}:
        raise RejectedError("POLICY-MEMBERS", "an account becomes a member without a leaf")


def _judge_settings(commit: _Commit) -> None:
    """Settings are the admins' to change. Others change only what an add that they may make brings with it."""
    for change in roster_delta(commit.before, commit.after):
        # One change per account and Commit: the server's roster could not say that a newcomer manages.
        if change.action is RosterAction.ADD and role_of(commit.after, change.account) is not Role.MEMBER:
            raise RejectedError("POLICY-ADD-ROLE", "an account joins as a plain member")
    if commit.is_admin:
        if not any(member.role is Role.ADMIN for member in commit.after.members):
            raise RejectedError("POLICY-LAST-ADMIN", "a room would be left without an admin")
        return
    joined = {owner.account_id for owner in commit.added}
    kept = tuple(
        member
        for member in commit.after.members
        if member.account_id not in joined or role_of(commit.before, member.account_id) is not None
    )
    if replace(commit.after, members=kept) != commit.before:
        raise RejectedError("POLICY-SETTINGS", "only admins change a room's settings and remove accounts")


def _judge_data(commit: _Commit) -> None:
    """What the Commit tells the server is exactly what it does."""
    judge_roster(commit.data.roster, commit.before, commit.after, is_admin=commit.is_admin)
    if commit.data.retention_seconds != commit.after.retention_seconds:
        raise RejectedError("POLICY-RETENTION", "a Commit tells the server another retention than the settings")
    if commit.data.link_proof:
        raise RejectedError("POLICY-LINK-PROOF", "a member's Commit needs no link")


def _owners_staying(commit: _Commit) -> Iterator[LeafOwner]:
    """The owners of the leaves that were there before and are there after, told from what was verified before."""
    removed = {index for index, _ in commit.view.removed}
    for index, leaf in commit.view.group.members():
        if index not in removed:
            yield known_owner_of(leaf)


def _check_new_device(devices: set[tuple[bytes, bytes]], owner: LeafOwner) -> None:
    if (owner.account_id, owner.device_id) in devices:
        raise RejectedError("POLICY-DEVICE-TWICE", "a device has two leaves")
    devices.add((owner.account_id, owner.device_id))


def _check_same_identity(known: bytes, owner: LeafOwner) -> None:
    # Two leaves of one account under two identity keys: one of them is somebody else.
    if owner.identity_key != known:
        raise RejectedError("POLICY-IDENTITY", "an account's leaf shows another identity key than its other leaves")

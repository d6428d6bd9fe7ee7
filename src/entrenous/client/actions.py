"""What each command does: one method per command, found by the command's class."""

from collections.abc import Awaitable, Callable
from typing import Any

from entrenous.client import commands
from entrenous.client.events import BlockChanged, RoomChanged
from entrenous.client.invitations import check_newest, claim_devices, find_account
from entrenous.client.outbox import Outbox
from entrenous.client.rooms.create import open_room
from entrenous.client.rooms.hall import Hall, OpenRoom
from entrenous.client.rooms.intents import WHENEVER, RemoveAccount, RenewKeys, leaves_of
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.timeline import history
from entrenous.client.store import contacts, server
from entrenous.client.views import MemberRole, MemberSummary, Message, MessageRef, RoomSummary
from entrenous.content import JoinPolicy, Role, RoomSettings, Text, new_settings, role_of
from entrenous.errors import RejectedError, UsageError
from entrenous.identity import AccountCredential, InviteLink, Inviter, format_link, parse_address
from entrenous.wire import replies, requests
from entrenous.wire.limits import MIN_RETENTION_SECONDS

Handler = Callable[[Any], Awaitable[Any]]

#: The fewest hexadecimal digits of an id that can name a room.
_FEWEST_DIGITS = 4


class Actions:
    """Carries out commands."""

    def __init__(self, services: Services, hall: Hall, outbox: Outbox) -> None:
        self._services = services
        self._store = services.store
        self._people = services.people
        self._device = services.device
        self._caller = services.caller
        self._hall = hall
        self._outbox = outbox
        self._handlers: dict[type[commands.Command[Any]], Handler] = {
            commands.CreateRoom: self._create_room,
            commands.InviteMember: self._invite_member,
            commands.KickMember: self._kick_member,
            commands.RefreshKeys: self._refresh_keys,
            commands.SendText: self._send_text,
            commands.WaitUntilSent: self._wait_until_sent,
            commands.ListRooms: self._list_rooms,
            commands.FindRoom: self._find_room,
            commands.ListMembers: self._list_members,
            commands.History: self._history,
            commands.CreateInviteLink: self._create_invite_link,
            commands.AcceptIdentity: self._accept_identity,
            commands.BlockPerson: self._block_person,
        }

    async def do(self, command: commands.Command[Any]) -> Any:  # noqa: ANN401 each command names its own result
        """Carry out a command; errors as its class says.

        Raises:
            UsageError: it is no command of ours.
        """
        handler = self._handlers.get(type(command))
        if handler is None:
            raise UsageError(f"{type(command).__name__} is no command of this client")
        return await handler(command)

    # Rooms and their members.

    async def _create_room(self, command: commands.CreateRoom) -> RoomSummary:
        settings = _first_settings(command, self._device.account_id)
        # Nothing is stored of a room that the server cannot be told of now: the call fails first where it must.
        await self._caller.call(requests.Ping(), replies.Done)
        room = open_room(self._store, self._device, settings, self._services.environment)
        opened = self._hall.add(room)
        await opened.writer.open()
        self._services.emit(RoomChanged(room.id, settings.name, opened.room.epoch_number))
        return self._summary(opened)

    async def _invite_member(self, command: commands.InviteMember) -> MemberSummary:
        opened = self._hall.get(command.room)
        found = await find_account(command.login_name, self._services)
        if found.credential.account_id == self._device.account_id:
            raise RejectedError("CLIENT-SELF", "you are in this room already")
        check_newest(found, self._newest_list(found.credential.account_id))
        present = self._device_ids(opened, found.credential.account_id)
        if not {entry.device_id for entry in found.devices.devices} <= present:
            intent = await claim_devices(found, self._services)
            await opened.writer.carry_out(intent)
        return self._member(opened.room.settings, found.credential.account_id)

    async def _kick_member(self, command: commands.KickMember) -> None:
        opened = self._hall.get(command.room)
        account = await self._member_named(opened, command.login_name)
        if account == self._device.account_id:
            raise RejectedError("CLIENT-SELF", "nobody removes himself: ask another admin")
        await opened.writer.carry_out(RemoveAccount(account))

    async def _refresh_keys(self, command: commands.RefreshKeys) -> None:
        await self._hall.get(command.room).writer.carry_out(RenewKeys(WHENEVER))

    async def _list_rooms(self, _: commands.ListRooms) -> tuple[RoomSummary, ...]:
        return tuple(sorted((self._summary(opened) for opened in self._hall), key=lambda room: (room.name, room.room)))

    async def _find_room(self, command: commands.FindRoom) -> RoomSummary:
        wanted = command.text.strip()
        found = [opened for opened in self._hall if opened.room.settings.name.casefold() == wanted.casefold()]
        if not found and len(wanted) >= _FEWEST_DIGITS:
            found = [opened for opened in self._hall if opened.room.id.hex().startswith(wanted.lower())]
        if not found:
            raise RejectedError("CLIENT-ROOM", f"there is no room “{wanted}” in this profile")
        if len(found) > 1:
            raise RejectedError("CLIENT-ROOM-AMBIGUOUS", f"several rooms are called “{wanted}”: name one by its id")
        return self._summary(found[0])

    async def _list_members(self, command: commands.ListMembers) -> tuple[MemberSummary, ...]:
        settings = self._hall.get(command.room).room.settings
        accounts = [member.account_id for member in settings.members]
        await self._people.learn(accounts, self._caller)
        members = (self._member(settings, account) for account in accounts)
        return tuple(sorted(members, key=lambda member: (member.login_name, member.account)))

    async def _accept_identity(self, command: commands.AcceptIdentity) -> None:
        contact = contacts.by_name(self._store, command.login_name)
        if contact is None or contact.offered_key is None:
            raise RejectedError("CLIENT-CONTACT", f"no new identity key of {command.login_name} waits to be accepted")
        with self._store.transaction() as tx:
            contacts.accept(tx, contact.account_id)
        self._hall.nudge_all()

    async def _block_person(self, command: commands.BlockPerson) -> None:
        contact = contacts.by_name(self._store, command.login_name)
        if contact is not None:
            account = contact.account_id
        else:
            account = (await find_account(command.login_name, self._services)).credential.account_id
        if account == self._device.account_id:
            raise RejectedError("CLIENT-SELF", "nobody blocks himself")
        with self._store.transaction() as tx:
            contacts.set_blocked(tx, account, blocked=command.is_blocked)
        self._services.emit(BlockChanged(account, self._people.name(account), command.is_blocked))

    # Messages.

    async def _send_text(self, command: commands.SendText) -> MessageRef:
        opened = self._hall.get(command.room)
        _check_text("CLIENT-TEXT", "a message", command.text, commands.MAX_TEXT)
        opened.writer.check_open()
        message = self._outbox.say(opened.room, Text(command.text))
        opened.writer.nudge()
        return message

    async def _wait_until_sent(self, command: commands.WaitUntilSent) -> None:
        self._hall.get(command.message.room).writer.nudge()  # which ends the wait where nothing can be sent
        await self._outbox.wait(command.message)

    async def _history(self, command: commands.History) -> tuple[Message, ...]:
        room = self._hall.get(command.room).room
        if command.before is not None and command.after is not None:
            raise UsageError("a history is asked for before a place or after one, not both")
        limit = max(1, min(command.limit, commands.MAX_HISTORY))
        before, after = command.before, command.after
        return history(
            self._store, room.id, self._people, self._device.account_id, before=before, after=after, limit=limit
        )

    # The server.

    async def _create_invite_link(self, command: commands.CreateInviteLink) -> str:
        request = requests.CreateInvite(command.uses, command.lifetime_seconds)
        made = await self._caller.call(request, replies.InviteCreated)
        pinned = server.get(self._store)
        if pinned is None:
            raise UsageError("an empty profile has no server")
        host, port = parse_address(made.address)
        own = AccountCredential(self._device.account_id, self._device.identity_key)
        return format_link(InviteLink(host, port, pinned.server_id, made.token, Inviter.of(own)))

    # What they share.

    def _summary(self, opened: OpenRoom) -> RoomSummary:
        return opened.room.summary(self._device.account_id)

    def _member(self, settings: RoomSettings, account: bytes) -> MemberSummary:
        return MemberSummary(
            account=account,
            login_name=self._people.name(account),
            role=MemberRole.ADMIN if role_of(settings, account) is Role.ADMIN else MemberRole.MEMBER,
            is_self=account == self._device.account_id,
            identity_changed=bool(self._people.changed([account])),
        )

    def _device_ids(self, opened: OpenRoom, account: bytes) -> set[bytes]:
        return {owner.device_id for _, owner in leaves_of(opened.room.epoch, account)}

    def _newest_list(self, account: bytes) -> int:
        """The newest version of an account's device list that its leaves show in any room; 0 where it has none."""
        members = (opened.room.epoch for opened in self._hall if opened.room.is_member)
        return max((owner.list_version for epoch in members for _, owner in leaves_of(epoch, account)), default=0)

    async def _member_named(self, opened: OpenRoom, login_name: str) -> bytes:
        """The member that people know by a name; the server is asked only where no contact has it."""
        members = {member.account_id for member in opened.room.settings.members}
        contact = contacts.by_name(self._store, login_name)
        if contact is not None and contact.account_id in members:
            return contact.account_id
        if login_name == self._device.login_name:
            return self._device.account_id
        await self._people.learn(members, self._caller)
        contact = contacts.by_name(self._store, login_name)
        if contact is None or contact.account_id not in members:
            raise RejectedError("CLIENT-MEMBER", f"nobody in this room is called {login_name}")
        return contact.account_id


def _first_settings(command: commands.CreateRoom, founder: bytes) -> RoomSettings:
    _check_text("CLIENT-ROOM-NAME", "a room's name", command.name, commands.MAX_ROOM_NAME)
    if command.topic:
        _check_text("CLIENT-TOPIC", "a topic", command.topic, commands.MAX_TOPIC)
    if command.retention_seconds < MIN_RETENTION_SECONDS:
        raise RejectedError("CLIENT-RETENTION", f"a room keeps its entries for at least {MIN_RETENTION_SECONDS} s")
    policy = JoinPolicy.MEMBERS_ADD if command.members_may_invite else JoinPolicy.ADMINS_ADD
    return new_settings(
        command.name,
        founder,
        topic=command.topic,
        retention_seconds=command.retention_seconds,
        join_policy=policy,
    )


def _check_text(rule: str, what: str, text: str, most: int) -> None:
    """Refuse what could not be encoded, before anything is stored."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise RejectedError(rule, f"{what} is not proper Unicode text") from None
    if not text.strip():
        raise RejectedError(rule, f"{what} cannot be empty")
    if size > most:
        raise RejectedError(rule, f"{what} has at most {most} bytes, this one has {size}")

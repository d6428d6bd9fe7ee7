"""Admins compare the server's roster with the room's settings, and tell the server what is true (docs/spec/groups.md).

A Commit that all members refuse has changed the roster all the same: whoever it names is given every entry, which he
cannot open, and may publish what nobody else can open. It lasts until an admin's client looks, which it does soon.
"""

import asyncio
from collections import defaultdict, deque

from entrenous.client.alarms import CommitRefused, RosterDiffers
from entrenous.client.events import ConnectionChanged, Event
from entrenous.client.rooms.hall import Hall, OpenRoom
from entrenous.client.rooms.intents import CorrectRoster
from entrenous.client.rooms.services import Services
from entrenous.client.rosters import corrections, missing
from entrenous.client.store import contacts
from entrenous.client.views import RoomState
from entrenous.content import Role, role_of
from entrenous.crypto import draw
from entrenous.errors import EntrenousError
from entrenous.wire import RosterAction, RosterChange, replies, requests

#: Seconds between two looks, and for one correction.
EVERY = 30.0
_NUMBERS = 1 << 32
#: How often a server is told one and the same.
_MOST_TIMES = 3
#: Corrections of one room in an hour: a server that is wrong in another way each time gets no end of Commits either.
MOST_AN_HOUR = 10
_HOUR = 3_600.0
#: Accounts that nobody let in whose names are asked for.
_MOST_NAMED = 10


#: What the server is to be told, and the members that it lacks.
_Difference = tuple[tuple[RosterChange, ...], tuple[bytes, ...]]


class RosterWatch:
    """Looks at the rosters of the rooms that this account manages: after each login, and after each refused Commit."""

    def __init__(self, hall: Hall, services: Services) -> None:
        self._hall = hall
        self._services = services
        self._due: set[bytes] = set()
        #: What the server was told of a room, and how often: it may have come to nothing, or to deaf ears.
        self._told: dict[bytes, tuple[_Difference, int]] = {}
        #: When something was last said of a room, in the loop's time.
        self._acted: defaultdict[bytes, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_AN_HOUR))

    def notice(self, event: Event) -> None:
        """A refused Commit may have changed a roster; a server that was away may have changed all of them."""
        match event:
            case ConnectionChanged(is_connected=True):
                self._due |= {opened.room.id for opened in self._hall}
            case CommitRefused(room=room):
                self._due.add(room)
                self._told.pop(room, None)

    async def run(self) -> None:
        """Look, for ever; beginning at any moment, so that not all admins look at once."""
        await asyncio.sleep(EVERY * int.from_bytes(draw(self._services.environment.entropy, 4), "big") / _NUMBERS)
        while True:
            await asyncio.sleep(EVERY)
            for room in sorted(self._due):
                await self._look(room)

    async def _look(self, room: bytes) -> None:
        opened = self._hall.find(room)
        if opened is None or not self._is_admin(opened):
            self._due.discard(room)
            return
        try:
            async with asyncio.timeout(EVERY):
                await self._compare(opened)
        except (EntrenousError, TimeoutError) as error:
            # It is still due, and will be looked at again.
            self._services.environment.trace.step("client.roster.failed", reason=str(error))

    def _is_admin(self, opened: OpenRoom) -> bool:
        is_active = opened.room.is_member and opened.room.standing.state is RoomState.ACTIVE
        return is_active and role_of(opened.room.settings, self._services.device.account_id) is Role.ADMIN

    async def _compare(self, opened: OpenRoom) -> None:
        room = opened.room
        roster = await self._services.caller.call(requests.FetchRoster(room.id), replies.Roster)
        if not self._is_admin(opened) or roster.newest_commit != room.standing.base:
            return  # the roster of another moment than the settings; it stays due
        base, (wrong, lost) = room.standing.base, _differences(roster, opened)
        told, times = self._told.get(room.id, (None, 0))
        if not (wrong or lost):
            self._told.pop(room.id, None)
            self._due.discard(room.id)
        elif told == (wrong, lost) and (not wrong or times == _MOST_TIMES):
            self._due.discard(room.id)
        elif self._may_act(room.id):
            if told != (wrong, lost):
                times = 0
                await self._tell(opened, wrong, lost)
            self._told[room.id] = (wrong, lost), times + 1
            if wrong:
                await opened.writer.carry_out(CorrectRoster(base, wrong))

    def _may_act(self, room: bytes) -> bool:
        """Whether it is not too often; else the room stays due until it is not."""
        now, acted = asyncio.get_running_loop().time(), self._acted[room]
        if len(acted) == MOST_AN_HOUR and now - acted[0] < _HOUR:
            return False
        acted.append(now)
        return True

    async def _tell(self, opened: OpenRoom, wrong: tuple[RosterChange, ...], lost: tuple[bytes, ...]) -> None:
        services, people, settings = self._services, self._services.people, opened.room.settings
        removed = [change.account for change in wrong if change.action is RosterAction.REMOVE]
        with services.store.transaction() as tx:  # a name is kept of somebody who was heard of
            for account in removed[:_MOST_NAMED]:
                contacts.hear_of(tx, account, services.environment.seconds())
        await people.learn((*removed[:_MOST_NAMED], *lost), services.caller)
        strangers, lacking = tuple(map(people.name, removed)), tuple(map(people.name, lost))
        self._services.emit(RosterDiffers(opened.room.id, settings.name, strangers, lacking))


def _differences(roster: replies.Roster, opened: OpenRoom) -> _Difference:
    settings = opened.room.settings
    return corrections(roster.members, settings), missing(roster.members, settings)

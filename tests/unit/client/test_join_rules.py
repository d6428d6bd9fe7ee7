"""Every rule of joining (JOIN-…): Welcomes that MLS has nothing against, and a device that is not let in by them."""

import dataclasses
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from entrenous.client.rooms.commits import WELCOME_EXTENSION, WelcomeData
from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.client.rooms.snapshot import encode_tree
from entrenous.client.rooms.welcome import Joining
from entrenous.client.store import key_packages
from entrenous.client.store.key_packages import KeyPackageRow
from entrenous.content import ROOM_SETTINGS_EXTENSION, Role, RoomSettings, new_settings, with_member
from entrenous.errors import RejectedError
from entrenous.identity import AccountIdentity
from entrenous.mls.group import InfoOptions, KeyPackageBundle, create_key_package
from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite
from entrenous.mls.types import Add, Extension, Lifetime
from entrenous.testing import run_virtual
from entrenous.testing.members import Person, World
from entrenous.wire import LogPosition, replies, requests
from entrenous.wire.types import InboxItem
from identity_people import account, device
from mls_members import NOW
from room_devices import Device

ROOM = b"the garden's id."
SETTINGS = new_settings("garden", account(1).account_id)
#: The Commit entry that the Welcome came with.
SEQUENCE = 5


@dataclass(frozen=True)
class Story:
    """What the inviter tells, and what the server says of it; each field that is not as it should be breaks a rule."""

    suite: CipherSuite = ROOM_SUITE
    group: bytes = ROOM
    position: int | None = SEQUENCE - 1
    sequence: int = SEQUENCE
    newcomer: AccountIdentity | None = None
    epoch: int | None = None


class Inviter:
    """Somebody who invites a person into a group of her own making, and the server that helps her."""

    def __init__(self, guest: Person, story: Story) -> None:
        self.story, self.guest = story, guest
        self.founder = Device(account(1), device(10), story.suite)
        self.access = AccessKey(1, RoomAccessSecret(bytes(32)))
        services = guest.running._services
        own = services.device
        joiner = own if story.newcomer is None else Device(story.newcomer, device(30), story.suite)
        self.member = own.account_id if story.newcomer is None else story.newcomer.account_id
        lifetime = Lifetime(NOW - 60, NOW + 60)
        profile = joiner.profile
        if story.suite is not ROOM_SUITE:
            profile = Device(account(3), device(30), story.suite).profile
        bundle = create_key_package(story.suite, joiner.signer, profile, lifetime, services.environment.entropy)
        self.welcome = self._invite(bundle)
        row = KeyPackageRow(bundle.reference, bundle.encode(), False, NOW, NOW + 60)
        with services.store.transaction() as tx:
            key_packages.add(tx, [row])

    def _invite(self, bundle: KeyPackageBundle) -> bytes:
        settings: RoomSettings = with_member(SETTINGS, self.member, Role.MEMBER)
        self.founder.create(self.story.group, [Extension(ROOM_SETTINGS_EXTENSION, settings.encode())])
        if self.story.epoch is not None:
            group = self.founder.group
            later = dataclasses.replace(group, context=dataclasses.replace(group.context, epoch=self.story.epoch))
            self.founder._group = later
        told: tuple[Extension, ...] = ()
        if self.story.position is not None:
            position = LogPosition(self.story.position, bytes(32))
            data = WelcomeData(self.access.generation, self.access.secret.reveal(), position)
            told = (Extension(WELCOME_EXTENSION, data.encode()),)
        own = self.founder.prepare(Add(bundle.key_package), info=InfoOptions(welcome_extensions=told))
        self.founder.enter(own.epoch)
        assert own.welcome is not None
        return own.welcome

    async def call(self, request: requests.Request, expected: type[Any]) -> Any:
        assert isinstance(request, requests.FetchGroupState)
        assert expected is replies.GroupState
        tree, entropy = encode_tree(self.founder.group.tree), self.founder.entropy
        sealed = self.access.seal(SealedKind.TREE, ROOM, self.founder.group.epoch, tree, entropy)
        return replies.GroupState(b"", sealed, ())

    def joining(self) -> Joining:
        services = self.guest.running._services
        return Joining(services.store, services.device, services.people, self, services.environment)

    def item(self) -> InboxItem:
        return InboxItem(1, ROOM, self.story.sequence, self.welcome)


def play(directory: Path, scenario: Callable[[Person], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with await World.open(directory) as world:
            (guest,) = await world.people("guest")
            await scenario(guest)

    run_virtual(main())


async def rule_of(joining: Joining, item: InboxItem) -> str:
    with pytest.raises(RejectedError) as refused:
        await joining.enter(item)
    return refused.value.rule


@pytest.mark.parametrize(
    ("rule", "story"),
    [
        ("JOIN-SUITE", Story(suite=SUITES[1])),
        ("JOIN-GROUP", Story(group=b"another group id")),
        ("JOIN-DATA", Story(position=None)),
        ("JOIN-POSITION", Story(position=SEQUENCE)),
        ("JOIN-OWN-LEAF", Story(newcomer=account(3))),
        ("JOIN-EPOCH", Story(epoch=(1 << 64) - 9)),
    ],
)
def test_a_welcome_tells_of_a_room_and_of_this_device(tmp_path: Path, rule: str, story: Story) -> None:
    async def scenario(guest: Person) -> None:
        inviter = Inviter(guest, story)
        assert await rule_of(inviter.joining(), inviter.item()) == rule

    play(tmp_path, scenario)


def test_a_welcome_leads_forward(tmp_path: Path) -> None:
    async def scenario(guest: Person) -> None:
        first = Inviter(guest, Story())
        entered = await first.joining().enter(first.item())
        assert entered.inviter == account(1).account_id
        assert entered.room.standing.position.sequence == SEQUENCE - 1
        for rule, story in (
            ("JOIN-OLD", Story(sequence=SEQUENCE - 1, position=SEQUENCE - 2)),
            ("JOIN-POSITION", Story(sequence=SEQUENCE + 1, position=SEQUENCE - 2)),
            ("JOIN-EPOCH", Story(sequence=SEQUENCE + 1, position=SEQUENCE)),
        ):
            later = Inviter(guest, story)
            assert await rule_of(later.joining(), later.item()) == rule

    play(tmp_path, scenario)

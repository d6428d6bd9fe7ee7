"""What can happen to a group at any moment: what people do, and what a delivery service does that wishes them ill."""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from entrenous.mls.types import (
    PSK,
    Add,
    Extension,
    ExternalPSK,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    Remove,
    ResumptionPSK,
    ResumptionPSKUsage,
    WireFormat,
)
from mls_injections import (
    another_epochs,
    falsified_commit,
    from_another_group,
    from_outside_the_epoch,
    in_anothers_name,
)
from mls_members import ROOM
from mls_people import Draft, Letter, Person, refuses
from mls_world import MOST_MEMBERS, MOST_PEOPLE, World

FORMATS = (WireFormat.PRIVATE_MESSAGE, WireFormat.PUBLIC_MESSAGE)
#: Proposals that one Commit may hold by value.
MOST_PROPOSALS = 3
#: Messages that are shuffled.
MOST_SAID = 4

#: One thing that happens; everything that it leaves open is chance's.
Action = Callable[[World, Random], None]


# What people do, members and former members, in the epoch that they are in.


def speak(world: World, chance: Random) -> None:
    world.says(somebody(world, chance))


def propose(world: World, chance: Random) -> None:
    person = somebody(world, chance)
    world.proposes(person, a_proposal(world, chance, person), chance.choice(FORMATS))


def propose_a_new_key(world: World, chance: Random) -> None:
    world.proposes_update(somebody(world, chance), chance.choice(FORMATS))


def commit(world: World, chance: Random) -> None:
    told = [person for person in world.insiders() if person.cached]
    person = chance.choice(told) if told and coin(chance) else somebody(world, chance)
    draft = Draft(person, MOST_MEMBERS)
    for cached in person.cached.values():
        if coin(chance):
            draft.takes_cached(cached)
    for _ in range(chance.randint(0, MOST_PROPOSALS)):
        draft.takes_own(a_proposal(world, chance, person))
    world.commits(person, draft, wire_format=chance.choice(FORMATS), force_path=coin(chance))


def come_from_outside(world: World, chance: Random) -> None:
    """By what somebody tells of his epoch, which may be long past."""
    helper = somebody(world, chance)
    leaves = helper.place.leaves
    able = [person for person in world.people if person.name in leaves or len(leaves) < MOST_MEMBERS]
    person = chance.choice(able)
    known = [ExternalPSK(name) for name in sorted(person.psks)]
    world.comes_from_outside(person, helper, known if coin(chance) else ())


# What the delivery service does with letters.


def take_a_commit(world: World, chance: Random) -> None:
    """Somebody hears that his Commit is the one; others may hear the same of theirs."""
    waiting = [person for person in world.people if person.pending]
    if waiting:
        person = chance.choice(waiting)
        world.takes(person, chance.choice(person.pending))


def deliver_all_in_order(world: World, chance: Random) -> None:
    world.settles()


def deliver_any(world: World, chance: Random) -> None:
    """Some letter arrives, early or late; it may arrive again."""
    for person, letter in a_waiting_letter(world, chance):
        if coin(chance):
            person.inbox.remove(letter)
        world.delivers(person, letter)


def shuffle(world: World, chance: Random) -> None:
    """Somebody says a few things, and another hears them out of order and more than once; some he never hears."""
    members = world.in_epoch(somebody(world, chance).place)
    if len(members) > 1:
        speaker, listener = chance.sample(members, 2)
        letters = [world.says(speaker) for _ in range(MOST_SAID)]
        for letter in chance.choices(letters, k=MOST_SAID + 2):
            world.delivers(listener, letter)


def lose(world: World, chance: Random) -> None:
    for person, letter in a_waiting_letter(world, chance):
        person.inbox.remove(letter)


def repeat_any(world: World, chance: Random) -> None:
    """A letter of all times, to anybody."""
    world.delivers(somebody(world, chance), chance.choice(world.sent))


def expel(world: World, chance: Random) -> None:
    """Somebody removes somebody of his epoch, and everybody in it hears of that at once."""
    members = world.in_epoch(somebody(world, chance).place)
    if len(members) > 1:
        sender, removed = chance.sample(members, 2)
        draft = Draft(sender, MOST_MEMBERS)
        draft.takes_own(Remove(removed.group.own_leaf))
        letter = world.commits(sender, draft, wire_format=chance.choice(FORMATS))
        show(world, letter, members)


def show(world: World, letter: Letter, members: Sequence[Person]) -> None:
    """A Commit reaches some members of its epoch, its sender among them."""
    for member in members:
        if letter in member.pending:
            world.takes(member, letter)
        else:
            world.delivers(member, letter)


def fork(world: World, chance: Random) -> None:
    """Two Commits of one epoch are shown to different members of it."""
    members = world.in_epoch(somebody(world, chance).place)
    sides = [chance.randrange(2) for _ in members]
    if set(sides) != {0, 1}:
        return
    for side in (0, 1):
        shown = [member for member, his in zip(members, sides, strict=True) if his == side]
        show(world, world.commits(shown[0], Draft(shown[0], MOST_MEMBERS)), shown)


# What it injects. Everybody must refuse it and stay what he was.


def inject_garbage(world: World, chance: Random) -> None:
    refuses(somebody(world, chance), chance.randbytes(chance.randrange(200)))


def inject_a_changed_letter(world: World, chance: Random) -> None:
    person = somebody(world, chance)
    letters = [letter for letter in world.sent if letter.epoch is person.epoch] or world.sent
    changed = bytearray(chance.choice(letters).message)
    # Its tags and signatures stand at the end.
    start = max(len(changed) - 64, 0) if coin(chance) else 0
    changed[chance.randrange(start, len(changed))] ^= chance.randrange(1, 256)
    refuses(person, bytes(changed))


def inject_another_epochs_letter(world: World, chance: Random) -> None:
    """With the number of the receiver's epoch written on it."""
    person = somebody(world, chance)
    letters = [letter for letter in world.sent if letter.epoch is not person.epoch]
    if letters:
        refuses(person, another_epochs(chance.choice(letters), person.place))


def inject_another_groups_letter(world: World, chance: Random) -> None:
    person = somebody(world, chance)
    refuses(person, from_another_group(world, person.place, same_id=coin(chance)))


def inject_from_outside(world: World, chance: Random) -> None:
    """Of a former member, of one of another branch, or of one who is to come, each knowing all that is public."""
    person, sender = somebody(world, chance), somebody(world, chance)
    if not sender.was_in(person.place):
        for message in from_outside_the_epoch(sender, person.place):
            refuses(person, message)


def inject_a_falsified_commit(world: World, chance: Random) -> None:
    """Of a member, who is to come to no other epoch than the others by it."""
    insider = somebody(world, chance)
    message = falsified_commit(insider, chance.choice(FORMATS))
    for person in world.in_epoch(insider.place):
        refuses(person, message)


def inject_in_anothers_name(world: World, chance: Random) -> None:
    """A member can derive everybody's keys of messages; the signature is what he cannot make."""
    members = world.in_epoch(somebody(world, chance).place)
    if len(members) > 2:
        insider, victim, listener = chance.sample(members, 3)
        for message in in_anothers_name(insider, victim):
            refuses(listener, message)


#: What people do.
PEOPLE: tuple[Action, ...] = (speak, commit, commit, propose, propose_a_new_key, come_from_outside)
#: What the delivery service does with letters.
SERVICE: tuple[Action, ...] = (
    deliver_all_in_order,
    deliver_all_in_order,
    deliver_any,
    deliver_any,
    take_a_commit,
    repeat_any,
    shuffle,
    lose,
    expel,
    fork,
)
#: What it injects.
INJECTIONS: tuple[Action, ...] = (
    inject_garbage,
    inject_a_changed_letter,
    inject_another_epochs_letter,
    inject_another_groups_letter,
    inject_from_outside,
    inject_a_falsified_commit,
    inject_in_anothers_name,
)


def begin(world: World, guests: int) -> None:
    """The first one adds some others."""
    draft = Draft(world.people[0], MOST_MEMBERS)
    for _ in range(guests):
        draft.takes_own(world.newcomer().key_package())
    world.commits(draft.committer, draft)
    world.settles()


def finish(world: World) -> None:
    """Nothing is lost any more: everybody is heard by all who are in his epoch."""
    world.settles()
    for person in [person for person in world.insiders() if not person.is_out]:
        letter = world.says(person)
        for other in world.in_epoch(person.place):
            if other is not person:
                assert world.is_acceptable(other, letter)
                world.delivers(other, letter)


# What chance decides.


def coin(chance: Random) -> bool:
    return chance.randrange(2) == 1


def somebody(world: World, chance: Random) -> Person:
    """Anybody who holds a group's state; three times out of four, one of the epoch in which most are."""
    insiders = world.insiders()
    if chance.randrange(4):
        sizes = Counter(person.place for person in insiders)
        most = max(sizes.values())
        insiders = [person for person in insiders if sizes[person.place] == most]
    return chance.choice(insiders)


def a_waiting_letter(world: World, chance: Random) -> list[tuple[Person, Letter]]:
    """One, or none if nothing is on its way."""
    waiting = [person for person in world.people if person.inbox]
    if not waiting:
        return []
    person = chance.choice(waiting)
    return [(person, chance.choice(person.inbox))]


def a_proposal(world: World, chance: Random, person: Person) -> Proposal:
    match chance.choice((Add, Add, Remove, Remove, ExternalPSK, ResumptionPSK, GroupContextExtensions)).__name__:
        case "Add":
            return a_stranger(world, chance, person).key_package()
        case "Remove":
            return Remove(chance.choice(sorted(person.place.leaves.values())))
        case "GroupContextExtensions":
            return GroupContextExtensions((Extension(ROOM, chance.randbytes(2)),))
        case "ExternalPSK":
            name = chance.choice([*sorted(person.psks), world.new_psk()])
            return a_use_of(world, ExternalPSK(name))
    epoch = chance.choice([*person.resumable, person.place.context.epoch])
    return a_use_of(world, ResumptionPSK(ResumptionPSKUsage.APPLICATION, person.group.group_id, epoch))


def a_use_of(world: World, psk: PSK) -> PreSharedKey:
    return PreSharedKey(world.psk_id(psk))


def a_stranger(world: World, chance: Random, person: Person) -> Person:
    """Somebody who is not in this person's epoch; somebody new, as long as the world has room."""
    strangers = world.strangers(person.place)
    if len(world.people) < MOST_PEOPLE:
        strangers.append(world.newcomer())
    return chance.choice(strangers)

"""Messages that a delivery service slips in: made with all that an outsider can know, or by an insider who lies."""

import dataclasses
from collections.abc import Iterator

from entrenous.mls.framing import (
    confirm,
    no_padding,
    protect_application,
    protect_private,
    protect_public,
    sign_as_member,
)
from entrenous.mls.group import create_group
from entrenous.mls.schedule import SecretTree
from entrenous.mls.types import (
    Commit,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    WireFormat,
)
from mls_people import Epoch, Letter, Person
from mls_world import World

#: Keys of another's that an insider uses: of these, some were not used yet.
MOST_GENERATIONS = 4


def another_epochs(letter: Letter, epoch: Epoch) -> bytes:
    """A letter with another epoch's number on it; a Welcome has none."""
    message = MLSMessage.decode(letter.message)
    number = epoch.context.epoch
    match message.body:
        case PrivateMessage() as private:
            return MLSMessage.of(dataclasses.replace(private, epoch=number)).encode()
        case PublicMessage() as public:
            content = dataclasses.replace(public.content, epoch=number)
            return MLSMessage.of(dataclasses.replace(public, content=content)).encode()
    return letter.message


def from_another_group(world: World, epoch: Epoch, *, same_id: bool) -> bytes:
    """What somebody says in a group that he has made himself, with this one's name and number on it if he likes."""
    somebody = Person("a stranger", world.suite, world.limits, {})
    made = create_group(world.suite, b"another group", somebody.signer, somebody.profile, somebody.entropy)
    number, group_id = epoch.context.epoch, epoch.context.group_id if same_id else b"another group"
    context = dataclasses.replace(made.group.context, group_id=group_id, epoch=number)
    group = dataclasses.replace(made.group, context=context)
    sent = protect_application(
        group, SecretTree(made.nodes), somebody.signer, b"hello", padding=no_padding, entropy=somebody.entropy
    )
    return sent.message


def from_outside_the_epoch(sender: Person, epoch: Epoch) -> Iterator[bytes]:
    """What somebody can say who knows all that is public of an epoch, and the secrets of his own ones only."""
    for _, known in sender.known[-3:]:
        group, keys = dataclasses.replace(known.group, context=epoch.context), SecretTree(known.nodes)
        sent = protect_application(
            group, keys, sender.signer, b"still here", padding=no_padding, entropy=sender.entropy
        )
        yield sent.message
        removal = Commit((), None)
        signed = sign_as_member(group, sender.signer, WireFormat.PUBLIC_MESSAGE, removal, b"")
        yield protect_public(group, confirm(signed, bytes(sender.suite.secret_size)))


def falsified_commit(insider: Person, wire_format: WireFormat) -> bytes:
    """A member's Commit that is right in everything but its confirmation tag."""
    own = insider.prepare(wire_format=WireFormat.PUBLIC_MESSAGE)
    body = MLSMessage.decode(own.message).body
    assert isinstance(body, PublicMessage)
    assert isinstance(body.content.content, Commit)
    signed = sign_as_member(insider.group, insider.signer, wire_format, body.content.content, b"")
    lie = confirm(signed, bytes(insider.suite.hash.size))
    if wire_format is WireFormat.PUBLIC_MESSAGE:
        return protect_public(insider.group, lie)
    sent = protect_private(insider.group, insider.keys, lie, padding=no_padding, entropy=insider.entropy)
    insider.keys.apply(sent.changes)
    return sent.message


def in_anothers_name(insider: Person, victim: Person) -> Iterator[bytes]:
    """What a member says as if he were another, under that one's next keys, signed with his own."""
    place, known = insider.known[-1]
    assert place is insider.place
    group, keys = dataclasses.replace(known.group, own_leaf=victim.group.own_leaf), SecretTree(known.nodes)
    for _ in range(MOST_GENERATIONS):
        sent = protect_application(group, keys, insider.signer, b"mine", padding=no_padding, entropy=insider.entropy)
        keys.apply(sent.changes)
        yield sent.message

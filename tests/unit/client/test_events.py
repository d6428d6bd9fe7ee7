"""Every event has a sentence for people, and every subscriber hears all of them, or how many not."""

import asyncio
import dataclasses
import inspect
from typing import Any

import pytest

from entrenous.client import alarms, events, losses
from entrenous.client.events import ConnectionChanged, Event, EventsMissed, MessageStateChanged
from entrenous.client.subscribers import Subscribers
from entrenous.client.views import Message, MessageKind, MessageState

ROOM = bytes(16)
MESSAGE = Message(
    ROOM,
    3,
    bytes(12),
    MessageKind.TEXT,
    "hi",
    bytes(16),
    "bob",
    is_own=False,
    state=MessageState.SENT,
    sent_at=1,
    received_at=2,
)
VALUES: dict[str, object] = {
    "bytes": ROOM,
    "str": "somebody",
    "int": 7,
    "bool": True,
    "Message": MESSAGE,
    "MessageState": MessageState.SENT,
    "float | None": None,
    "int | None": 4,
    "tuple[str, ...]": ("bob", "carol"),
}
KINDS = [
    kind
    for module in (events, alarms, losses)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Event) and kind is not Event and kind.__module__ == module.__name__
]


def fields_of(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Of an event, every one of which is a dataclass."""
    return dataclasses.fields(kind)


def example(kind: type[Event]) -> Event:
    fields = fields_of(kind)
    types = {field.name: field.type.__name__ if isinstance(field.type, type) else str(field.type) for field in fields}
    return kind(**{name: VALUES[described] for name, described in types.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_is_frozen_and_has_a_sentence(kind: type[Event]) -> None:
    event = example(kind)
    assert event.sentence.strip() == event.sentence
    assert len(event.sentence) > 3
    assert "=" not in event.sentence
    name = fields_of(kind)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, name, b"")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.__module__ != events.__name__])
def test_a_warning_is_whole_sentences_that_fit_a_screen(kind: type[Event]) -> None:
    for sentence in (example(kind).sentence, *(each.sentence for each in VARIANTS.get(kind, ()))):
        assert sentence[0].isupper() or sentence.startswith(("somebody", "7"))  # a name or a number
        assert sentence.endswith(".")
        assert len(sentence) < 320
        assert "None" not in sentence


#: What the examples do not say.
VARIANTS: dict[type[Event], tuple[Event, ...]] = {
    alarms.InvitationRefused: tuple(
        alarms.InvitationRefused(ROOM, rule) for rule in ("JOIN-WITHDRAWN", "JOIN-BLOCKED", "JOIN-STATE", "JOIN-OLD")
    ),
    alarms.CommitRefused: (alarms.CommitRefused(ROOM, 3, "", "MLS-CONFIRMATION-TAG"),),
    alarms.RosterDiffers: (
        alarms.RosterDiffers(ROOM, "tea", ("eve",), ()),
        alarms.RosterDiffers(ROOM, "tea", tuple("abcdefgh"), ("bob",)),
        alarms.RosterDiffers(ROOM, "tea", (), ()),
    ),
    losses.LogShortened: (losses.LogShortened(ROOM, "tea", 3, 4, own_lost=0, own_again=0),),
    alarms.ServerChanged: (alarms.ServerChanged(),),
    losses.GapShown: (losses.GapShown(ROOM, "tea", 3, 4, has_other_admins=False),),
    losses.LeftBehind: (losses.LeftBehind(ROOM, "tea", 3, has_other_admins=False),),
}


def test_sentences_say_what_differs() -> None:
    assert ConnectionChanged(is_connected=True).sentence == "Connected."
    assert "again in 3 s" in ConnectionChanged(is_connected=False, reason="gone", retry_in=3.2).sentence
    assert "again" not in ConnectionChanged(is_connected=False, reason="another server", retry_in=None).sentence
    states = [MessageStateChanged(ROOM, bytes(12), state, reason="no").sentence for state in MessageState]
    assert len(set(states)) == 3


async def test_every_subscriber_hears_everything_from_its_start_on() -> None:
    subscribers = Subscribers()
    subscribers.emit(EventsMissed(1))
    first = subscribers.subscribe()
    subscribers.emit(EventsMissed(2))
    second = subscribers.subscribe()
    subscribers.emit(EventsMissed(3))
    subscribers.close()
    assert [event async for event in first] == [EventsMissed(2), EventsMissed(3)]
    assert [event async for event in second] == [EventsMissed(3)]
    assert [event async for event in subscribers.subscribe()] == []


async def test_a_slow_subscriber_is_told_how_much_it_missed_and_keeps_the_newest() -> None:
    subscribers = Subscribers(capacity=3)
    slow = subscribers.subscribe()
    for number in range(10, 15):
        subscribers.emit(EventsMissed(number))
    subscribers.close()
    assert [event async for event in slow] == [EventsMissed(count) for count in (2, 12, 13, 14)]


async def test_a_subscriber_that_waits_is_woken_and_one_that_left_is_forgotten() -> None:
    subscribers = Subscribers()
    subscription = subscribers.subscribe()
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)
    subscribers.emit(EventsMissed(1))
    assert await waiting == EventsMissed(1)
    subscription.close()
    subscribers.emit(EventsMissed(2))
    assert [event async for event in subscription] == []

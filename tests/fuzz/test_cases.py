"""Seeds and former findings of the fuzz targets, replayed without a fuzzer; and that a target can find something."""

import contextlib
import signal
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from entrenous.codec import Opaque, Struct, UInt8, struct
from entrenous.errors import MalformedError
from fuzz.mutation import mutate
from fuzz.registry import TARGETS
from fuzz.target import MESSAGE_PACK, PLAIN, Shape, Target, check_one_encoding, chosen

CASES = Path(__file__).parent / "cases"
#: Seconds that one input may take, and bytes that it may need beside what its target sets up.
SECONDS, BYTES = 10.0, 64 << 20
#: Of each target's seeds, so many are replayed here.
SEEDS = 12

every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Fails when what is inside takes too long or too much memory."""

    def give_up(_signal: int, _frame: object) -> None:
        pytest.fail(f"an input took more than {SECONDS} seconds")

    has_timer = hasattr(signal, "setitimer")
    before = signal.signal(signal.SIGALRM, give_up) if has_timer else None
    if has_timer:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
        if has_timer:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@every_target
def test_seeds_and_their_well_formed_relatives_find_nothing(target: Target) -> None:
    seeds = target.seeds()
    assert seeds
    for number, seed in enumerate(seeds[:SEEDS]):
        assert len(seed) <= target.longest, "a seed is longer than what the target is tried with"
        target.run(seed)
        changed = mutate(target.shape(seed), seed, number)
        if changed is not None:
            target.run(changed)


@every_target
def test_the_shortest_inputs_find_nothing(target: Target) -> None:
    for data in (b"", b"\0", b"\xff\xff", bytes(40)):
        target.run(data)


@every_target
def test_what_was_found_once_is_not_found_again(target: Target) -> None:
    target.run(b"")
    for path in sorted((CASES / target.name).glob("*")):
        with bounded():
            target.run(path.read_bytes())


def test_every_folder_of_cases_belongs_to_a_target() -> None:
    assert {path.parent.name for path in CASES.glob("*/*")} <= TARGETS.keys()


@struct
class Inner(Struct):
    number: UInt8
    data: Opaque


@struct
class Outer(Struct):
    first: Inner
    second: Inner | None


OUTER = Outer(Inner(1, b"one"), Inner(2, b"two")).encode()


def test_a_changed_input_is_well_formed_and_another_one() -> None:
    changed = {mutate(Shape(1, Outer), b"\7" + OUTER, seed) for seed in range(200)} - {None}
    assert len(changed) > 50
    for data in changed:
        assert data is not None
        assert data[0] == 7
        assert Outer.decode(data[1:]).encode() == data[1:]


def test_what_has_no_structure_or_is_not_well_formed_is_left_to_the_fuzzer() -> None:
    assert mutate(Shape(0, PLAIN), OUTER, 1) is None
    assert mutate(Shape(0, Outer), OUTER[:-1], 1) is None
    assert mutate(Shape(0, MESSAGE_PACK), b"\xc1", 1) is None
    assert mutate(Shape(0, MESSAGE_PACK), b"\x92\x01\xc4\x01a", 1) is not None
    assert chosen([Inner, Outer])(b"\3") == Shape(1, Outer)
    assert chosen([Inner])(b"") == Shape(1, PLAIN)


def test_a_second_encoding_and_a_foreign_error_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_one_encoding(Outer, OUTER) == Outer.decode(OUTER)
    assert check_one_encoding(Outer, OUTER[:-1]) is None
    with monkeypatch.context() as patch:
        patch.setattr("fuzz.target.decode_as", lambda kind, data: Outer.decode(OUTER))
        with pytest.raises(AssertionError, match="two encodings"):
            check_one_encoding(Outer, OUTER + b"\0")
    with monkeypatch.context() as patch:
        patch.setattr("fuzz.target.decode_as", lambda kind, data: {}[data])
        with pytest.raises(KeyError):
            check_one_encoding(Outer, OUTER)


#: Where a mistake is planted, and the target that must find it.
PLANTED = {
    "entrenous.mls.group.process.check_path_leaf": "mls-commit-of-insider",
    "entrenous.mls.framing.receive.unprotect_private": "mls-group-message",
    "entrenous.server.rooms.delivery.append_messages": "server-calls",
    "entrenous.channel.records.RecordReader.open": "channel-records",
    "fuzz.logins.check_record": "opaque",
}


@pytest.mark.parametrize("place", PLANTED)
def test_a_planted_mistake_of_the_product_is_a_finding(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object, **__: object) -> None:
        raise KeyError("planted")

    target = TARGETS[PLANTED[place]]
    seeds = target.seeds()
    monkeypatch.setattr(place, mistake)
    with pytest.raises((KeyError, AssertionError), match=r"planted|not served"):
        for_each(target.run, seeds)


def for_each(run: Callable[[bytes], None], inputs: Sequence[bytes]) -> None:
    for data in inputs:
        run(data)


def test_too_much_memory_is_a_finding() -> None:
    with pytest.raises(AssertionError), bounded():
        assert bytearray(2 * BYTES)
    with bounded(), pytest.raises(MalformedError):
        Outer.decode(b"\1\x80\xff\xff\xff")

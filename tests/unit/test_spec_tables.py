"""docs/spec against the code: labels, numbers of the wire and their fields, error codes, structs, enumerations."""

import re
from dataclasses import fields
from enum import IntEnum
from typing import Annotated, Any, get_args, get_type_hints

import pytest
from msgspec import Meta

from entrenous.channel.records import Kind as RecordKind
from entrenous.client.rooms import commits, sealed
from entrenous.client.rooms.sealed import SealedKind
from entrenous.client.session import Timings
from entrenous.codec import Struct
from entrenous.content import MAX_MEMBERS, ROOM_SETTINGS_EXTENSION, JoinPolicy, Kind, Role, SettingsVersion, padded_size
from entrenous.identity import LEAF_CERTIFICATE_EXTENSION, MAX_DEVICES, Label, Verification, WrapSlot
from entrenous.mls.suite import ROOM_SUITE_ID
from entrenous.server.configuration.limits import Limits, Rate, meanings
from entrenous.wire import ErrorCode, RosterAction, events, replies, requests, types
from spec_pages import PAGES, listings, page, rows


def test_the_specification_lists_every_label_of_ours() -> None:
    assert {cell.strip("`").encode() for cell, *_ in rows("label")} == {label.value for label in Label}


def test_the_specification_lists_every_error_code() -> None:
    assert [cell.strip("`") for cell, *_ in rows("code")] == [code.value for code in ErrorCode]


def test_the_specification_names_the_private_numbers() -> None:
    numbers = {ROOM_SUITE_ID, ROOM_SETTINGS_EXTENSION, LEAF_CERTIFICATE_EXTENSION, commits.WELCOME_EXTENSION}
    assert {int(cell.strip("`"), 16) for cell, *_ in rows("private number")} == numbers
    assert f"`{sealed.EXPORTER_LABEL}`" in page("groups.md")


def test_every_rule_in_the_specification_has_its_row_and_every_policy_its_place() -> None:
    known = set(re.findall(r"^\| ([A-Z]+(?:-[A-Z0-9]+)+) \|", page("conformance.md"), re.MULTILINE))
    named = {rule for name in PAGES for rule in re.findall(r"`([A-Z]+(?:-[A-Z0-9]+)+)`", page(name))}
    assert named <= known
    assert {rule for rule in known if rule.startswith("POLICY-")} <= named


def numbers_in(cell: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", cell)]


def test_the_specification_gives_the_sizes_of_the_field_types() -> None:
    checked = 0
    for names, text in rows("field type"):
        for alias in (getattr(types, name) for name in names.split(", ") if hasattr(types, name)):
            meta = alias.__metadata__[0]
            bounds = {meta.ge, meta.le, meta.min_length, meta.max_length}
            assert set(numbers_in(text)) == bounds - {None}, names
            checked += 1
    assert checked > 10


def test_the_specification_gives_the_timers() -> None:
    limits, timings = Limits(), Timings()
    server = (limits.handshake_seconds, limits.login_seconds, limits.idle_seconds, limits.message_seconds)
    assert [float(seconds) for _, seconds in rows("timer")] == [
        *server,
        limits.stall_seconds,
        timings.idle,
        timings.ping,
    ]


def written(value: float | Rate) -> str:
    """A limit as the table shows it."""
    if isinstance(value, Rate):
        return f"{value.count:,} in {value.seconds:,.10g} s"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def test_the_specification_gives_the_servers_limits_and_what_each_means() -> None:
    limits = Limits()
    listed = [[f"`{name}`", written(getattr(limits, name)), meaning] for name, meaning in meanings().items()]
    assert rows("setting") == listed
    assert f"allow {MAX_MEMBERS:,} members" in page("delivery.md")
    assert f"({MAX_DEVICES} devices)" in page("delivery.md")


def test_the_specification_gives_the_buckets_of_padding() -> None:
    listed = [(int(size), int(padded)) for size, padded in rows("plaintext")]
    assert len(listed) > 5
    assert listed == [(size, padded_size(size)) for size, _ in listed]


def annotation(words: str) -> Any:
    """What a field's type is in the code, from what it is called in the specification."""
    if found := re.fullmatch(r"(\w+) or null", words):
        return annotation(found[1]) | None
    if found := re.fullmatch(r"(\d+) to (\d+)", words):
        return Annotated[int, Meta(ge=int(found[1]), le=int(found[2]))]
    if found := re.fullmatch(r"list of (?:at most (\d+) )?(\w+)", words):
        values: Any = tuple[annotation(found[2]), ...]  # type: ignore[misc]  # the type is known at run time only
        return Annotated[values, Meta(max_length=int(found[1]))] if found[1] else values
    return {"text": str, "bool": bool, "ErrorCode": ErrorCode}.get(words) or getattr(types, words)


def check_fields(shape: Any, cell: str) -> None:
    """Compare a cell such as "`room` RoomId, `base` Sequence" with the fields of a class of the wire."""
    hints = get_type_hints(shape, include_extras=True)
    written = re.findall(r"`(\w+)` ([^,]+)", cell)
    assert [name for name, _ in written] == list(shape.__struct_fields__), shape
    for name, words in written:
        assert hints[name] == annotation(words), (shape, name)


@pytest.mark.parametrize(
    ("heading", "union"),
    [("request", requests.AnyRequest), ("reply", replies.AnyReply), ("event", events.AnyEvent)],
)
def test_the_specification_lists_the_wire(heading: str, union: Any) -> None:
    listed = rows(heading)
    shapes = {shape.__struct_config__.tag: shape for shape in get_args(union)}
    assert sorted(int(number) for number, *_ in listed) == sorted(shapes)
    for number, name, cell, *reply in listed:
        shape = shapes[int(number)]
        assert name == shape.__name__
        check_fields(shape, cell)
        if heading == "request":
            assert reply[0] == shape.REPLY.__name__


def test_the_specification_lists_the_shapes_inside_the_wire() -> None:
    listed = {row[0]: row[1] for row in rows("shape")}
    for name in ("KsfParameters", "Entry", "RoomHead", "RosterMember", "ClaimedKeyPackage", "WelcomeFor", "InboxItem"):
        check_fields(getattr(types, name), listed.pop(name))
    assert not listed


STRUCT = re.compile(r"^struct \{\n((?:    .*\n)+)\} (\w+);", re.MULTILINE)
ENUM = re.compile(r"^enum \{ (.*) \} (\w+);", re.MULTILINE)
ENUMS: dict[str, type[IntEnum]] = {
    "SettingsVersion": SettingsVersion,
    "Role": Role,
    "JoinPolicy": JoinPolicy,
    "ContentKind": Kind,
    "RosterAction": RosterAction,
    "SealedKind": SealedKind,
    "WrapSlot": WrapSlot,
    "Verification": Verification,
}


def structs() -> dict[str, list[str]]:
    """The field names of every struct listing, by its name."""
    return {name: re.findall(r"(\w+)(?:<[^>]*>|\[[^\]]*\])?;", body) for body, name in listings(STRUCT)}


def known_structs() -> dict[str, type[Struct]]:
    found, waiting = {}, [Struct]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if not cls.__module__.startswith(("entrenous.mls.types", "entrenous.opaque", "entrenous.server.nodes")):
                found[cls.__name__.lstrip("_")] = cls
    # A Content travels as its head: an unknown kind's body has an end.
    return found | {"Content": found["Head"]}


def test_the_structs_of_the_specification_have_the_fields_of_the_code() -> None:
    known, listed = known_structs(), structs()
    assert len(listed) > 20
    for name, names in listed.items():
        assert names == [field.name for field in fields(known[name])], name  # type: ignore[arg-type]  # @struct made it one


def test_the_enumerations_of_the_specification_have_the_numbers_of_the_code() -> None:
    listed = {name: re.findall(r"(\w+)\((\d+)\)", body) for body, name in listings(ENUM)}
    assert listed == {name: [(case.name, str(int(case))) for case in cases] for name, cases in ENUMS.items()}


def test_the_record_kinds_of_the_specification_are_those_of_the_code() -> None:
    listed = {int(number): name for number, name, *_ in rows("kind") if number.isdecimal()}
    assert listed == {int(kind): kind.name.lower() for kind in RecordKind}

"""The log's hash and what messages say of it (docs/spec/delivery.md); vectors of bytes (README.md)."""

from entrenous.codec import encode_length
from entrenous.testing.vectors import MALFORMED, VectorFile
from entrenous.wire import CommitData, LogPosition, MessageData, RosterAction, RosterChange
from own_vectors.making import Case, cuts, file_of
from own_vectors.people import MESSAGE_ID, OTHER, OTHER_ROOM, ROOM

POSITION = LogPosition.start(ROOM).then(b"hello")


def log_hashes() -> list[Case]:
    return [
        Case("before any entry", {"room": ROOM, "entries": []}),
        Case("of another room", {"room": OTHER_ROOM, "entries": []}),
        Case("the page's example", {"room": ROOM, "entries": [b"hello"]}),
        Case("two entries", {"room": ROOM, "entries": [b"hello", b"bye"]}),
        Case("the same in the other order", {"room": ROOM, "entries": [b"bye", b"hello"]}),
        Case("an entry twice", {"room": ROOM, "entries": [b"hello", b"hello"]}),
        Case("both in one entry", {"room": ROOM, "entries": [b"hellobye"]}),
        Case("the first left out", {"room": ROOM, "entries": [b"bye"]}),
        Case("in another room", {"room": OTHER_ROOM, "entries": [b"hello", b"bye"]}),
        Case("the ids of rooms begin it", {"room": ROOM, "entries": [ROOM, bytes(1000)]}),
        Case("70 entries", {"room": ROOM, "entries": [n.to_bytes(2, "big") for n in range(70)]}),
    ]


def message_data() -> list[Case]:
    right = MessageData(POSITION).encode()
    latest = MessageData(LogPosition(2**64 - 1, bytes(32))).encode()
    return [
        Case("the page's example", {"authenticated_data": right}),
        *(
            Case(f"entry {number}", {"authenticated_data": MessageData(LogPosition(number, bytes(32))).encode()})
            for number in (0, 255, 256, 2**16, 2**32 - 1, 2**32, 2**63)
        ),
        Case("the highest number", {"authenticated_data": latest}),
        *(Case(how, {"authenticated_data": data}, MALFORMED) for how, data in cuts(right)),
    ]


def commit_data() -> list[Case]:
    changes = tuple(RosterChange(bytes([number]) * 16, action) for number, action in enumerate(RosterAction, 1))
    one = (RosterChange(OTHER.account_id, RosterAction.ADD),)
    right = CommitData(MESSAGE_ID, 2_592_000, one, POSITION, b"").encode()
    head, tail = right[:16], right[16 + 18 :]
    too_many = (OTHER.account_id + b"\x01") * 4001
    taken = {
        "the page's example": right,
        "no change": CommitData(MESSAGE_ID, 3600, (), LogPosition.start(ROOM), b"").encode(),
        "an entry above 2^32": CommitData(MESSAGE_ID, 3600, (), LogPosition(2**32 + 1, bytes(32)), b"").encode(),
        "the longest retention that there is room for": CommitData(
            MESSAGE_ID, 2**32 - 1, (), LogPosition.start(ROOM), b""
        ).encode(),
        "every action": CommitData(MESSAGE_ID, 3600, changes, POSITION, b"").encode(),
        "a link proof, which its rule refuses and its form does not": CommitData(
            MESSAGE_ID, 1, (), POSITION, b"p"
        ).encode(),
    }
    wrong = {
        "an action that does not exist": right.replace(OTHER.account_id + b"\x01", OTHER.account_id + b"\x05"),
        "action 0": right.replace(OTHER.account_id + b"\x01", OTHER.account_id + b"\x00"),
        "a roster that ends inside a change": head + b"\x10" + OTHER.account_id + tail,
        "4,001 changes": head + encode_length(len(too_many)) + too_many + tail,
        "a MessageData": MessageData(POSITION).encode(),
        **dict(cuts(right)),
    }
    return [
        *(Case(name, {"authenticated_data": data}) for name, data in taken.items()),
        *(Case(name, {"authenticated_data": data}, MALFORMED) for name, data in wrong.items()),
    ]


def byte_vectors() -> list[Case]:
    sizes = (0, 1, 63, 64, 255, 256, 16383, 16384)
    wrong = {
        "nothing": "",
        "a length without its bytes": "01",
        "a byte after its end": "0000",
        "one byte's length in two": "4001ff",
        "63 bytes announced in two": "403f" + "00" * 63,
        "one byte's length in four": "80000001ff",
        "16,383 bytes announced in four": "80003fff",
        "a header that begins with 11": "c0",
        "a header of eight bytes, as QUIC has it": "c000000000000001ff",
        "a header of two bytes that is cut off": "40",
        "a header of four bytes that is cut off": "800040",
        "a gigabyte that does not come": "bfffffff",
    }
    return [
        *(Case(f"{size} bytes", {"bytes": encode_length(size) + b"\xaa" * size}) for size in sizes),
        *(Case(name, {"bytes": data}, MALFORMED) for name, data in wrong.items()),
    ]


def files() -> list[VectorFile]:
    return [
        file_of("delivery-log-hashes", "delivery.md", "The log hash before any entry and after each.", log_hashes()),
        file_of(
            "delivery-message-data", "delivery.md", "Read an application message's authenticated_data.", message_data()
        ),
        file_of("delivery-commit-data", "delivery.md", "Read a Commit's authenticated_data.", commit_data()),
        file_of("encoding-vectors", "README.md", "Read an opaque x<V> that fills its bytes.", byte_vectors()),
    ]

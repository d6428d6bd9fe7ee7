"""Messages between client and server, in both directions: read or malformed, and read the same when repeated."""

from entrenous.errors import MalformedError
from entrenous.wire import (
    EVENT_NUMBER,
    Entry,
    ErrorCode,
    decode_call,
    decode_from_server,
    encode_answer,
    encode_call,
    encode_event,
    events,
    replies,
    requests,
)
from entrenous.wire.types import ClaimedKeyPackage, InboxItem, KsfParameters, RoomHead, RosterMember, WelcomeFor
from fuzz.target import MESSAGE_PACK, Shape, Target, whole

_ID, _KEY, _TOKEN = bytes(range(16)), bytes(32), bytes(16)

#: A call of each kind.
CALLS: tuple[requests.Request, ...] = (
    requests.RegisterStart(_TOKEN, "alice", _KEY, _KEY),
    requests.RegisterFinish(KsfParameters(8, 1, 1), bytes(192), bytes(192), _KEY, b"devices", b"vault"),
    requests.LoginStart("alice", False, bytes(96)),
    requests.LoginFinish(bytes(64)),
    requests.DeviceLogin(_ID, _ID, 1, bytes(64)),
    requests.PutDeviceList(1, b"devices"),
    requests.GetVault(),
    requests.PutVault(1, b"vault"),
    requests.CreateInvite(1, 3600),
    requests.FindAccount("alice"),
    requests.GetAccount(_ID),
    requests.PutKeyPackages((b"one", b"two"), b"last"),
    requests.ClaimKeyPackages(_ID),
    requests.CreateRoom(_ID, 86_400, b"info", b"tree"),
    requests.ListRooms(),
    requests.Publish(_ID, 0, bytes(12), b"entry"),
    requests.Commit(_ID, 0, bytes(12), b"entry", (WelcomeFor(_ID, _ID, b"welcome"),), b"info", b"nodes", None),
    requests.Fetch(_ID, 0, 100),
    requests.FetchGroupState(_ID, 0),
    requests.FetchRoster(_ID),
    requests.Acknowledge(_ID, 1),
    requests.FetchInbox(0),
    requests.DropInbox(1),
    requests.Ping(),
)
_ANSWERS: tuple[replies.Reply, ...] = (
    replies.Done(),
    replies.Error(ErrorCode.DENIED, "no"),
    replies.Published(3),
    replies.Rooms((RoomHead(_ID, 3, 2, 1, True, None),)),
    replies.KeyPackages((ClaimedKeyPackage(_ID, b"package", False),)),
    replies.Roster(2, (RosterMember(_ID, True),)),
    replies.Inbox((InboxItem(1, _ID, 2, b"welcome"),)),
)
_EVENTS: tuple[events.Event, ...] = (
    events.NewEntry(_ID, Entry(1, bytes(12), b"entry", 0)),
    events.GoingAway("later"),
)


def call(data: bytes) -> None:
    """What the server reads."""
    try:
        number, request = decode_call(data)
    except MalformedError:
        return
    assert number != EVENT_NUMBER
    assert decode_call(encode_call(number, request)) == (number, request)


def from_server(data: bytes) -> None:
    """What a client reads."""
    try:
        number, body = decode_from_server(data)
    except MalformedError:
        return
    again = encode_event(body) if isinstance(body, events.Event) else encode_answer(number, body)
    assert decode_from_server(again) == (number, body)


def _from_server_seeds() -> list[bytes]:
    return [*(encode_answer(7, answer) for answer in _ANSWERS), *(encode_event(event) for event in _EVENTS)]


def _shape(data: bytes) -> Shape:
    return whole(MESSAGE_PACK)


TARGETS = (
    Target("wire-call", call, lambda: [encode_call(1, each) for each in CALLS], _shape),
    Target("wire-from-server", from_server, _from_server_seeds, _shape),
)

"""The sizes both sides agree on. A number stands here once; the server's own limits are its settings."""

#: Bytes of a room's id, which is also its MLS group id.
ROOM_ID_SIZE = 16
#: Bytes of an account's or a device's id.
ID_SIZE = 16
#: Bytes of a message id: a 64-bit run id, then a 32-bit counter (docs/spec/delivery.md).
MESSAGE_ID_SIZE = 12
#: Bytes of an invite's token.
TOKEN_SIZE = 16
#: Characters of a login name.
MAX_NAME_LENGTH = 64
#: Bytes of one application message's entry; files travel elsewhere.
MAX_MESSAGE_SIZE = 128 << 10
#: Bytes of one Commit's entry: a blank post-quantum tree of 1,000 members needs 1.2 MB.
MAX_COMMIT_SIZE = 2 << 20
#: Bytes of a sealed GroupInfo, tree or vault, and of a Welcome.
MAX_BLOB_SIZE = 4 << 20
#: KeyPackages in one upload.
MAX_KEY_PACKAGES = 200
#: Bytes of one KeyPackage; a post-quantum one is 2.7 kB.
MAX_KEY_PACKAGE_SIZE = 16 << 10
#: Welcomes in one Commit, one per joining device.
MAX_WELCOMES = 2_000
#: Accounts whose place in the roster one Commit changes: all members of a full room go and as many come. The server
#: looks each of them up while everybody else waits.
MAX_ROSTER_CHANGES = 4_000
#: Entries in one answer to a fetch; the answer also ends before ``MAX_BLOB_SIZE`` bytes of them.
MAX_FETCH = 500
#: Seconds that a room keeps its entries: the shortest, and the longest, which is the default.
MIN_RETENTION_SECONDS = 3_600
MAX_RETENTION_SECONDS = 30 * 86_400
#: Bytes of one message between client and server before anybody has logged in, and after.
MAX_FRAME_BEFORE_LOGIN = 64 << 10
MAX_FRAME = 8 << 20

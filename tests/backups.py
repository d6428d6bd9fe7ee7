"""A server's backup of a room, and what comes of it in the end: a server that knows less than it did."""

from dataclasses import dataclass
from typing import Any

from entrenous.server.store import Transaction
from entrenous.testing.members import World
from worlds import cut

#: Where a room stands in each table, in an order in which rows can be written.
_OF_ROOM = {
    "rooms": "id",
    "entries": "room",
    "sent": "room",
    "roster": "room",
    "cursors": "room",
    "inbox": "room",
    "group_states": "room",
}


@dataclass(frozen=True)
class Backup:
    """Every row of a room."""

    room: bytes
    rows: dict[str, list[Any]]

    @classmethod
    async def of(cls, world: World, room: bytes) -> "Backup":
        """Make one of what the server keeps now."""

        def operation(tx: Transaction) -> dict[str, list[Any]]:
            found = {}
            for table, column in _OF_ROOM.items():
                tx._cursor.execute(f"SELECT * FROM {table} WHERE {column} = ?", (room,))  # noqa: S608 _OF_ROOM's own names
                found[table] = [tuple(row) for row in tx._cursor.fetchall()]
            return found

        return cls(room, await world.server.server.storage.write(operation))

    async def restore(self, world: World) -> None:
        """Go back to it. Everybody's connection breaks, as it does when a server is started again."""

        def operation(tx: Transaction) -> None:
            for table, column in reversed(_OF_ROOM.items()):
                tx._cursor.execute(f"DELETE FROM {table} WHERE {column} = ?", (self.room,))  # noqa: S608 _OF_ROOM's own names
            for table, rows in self.rows.items():
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    tx._cursor.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 _OF_ROOM's own name

        await world.server.server.storage.write(operation)
        for person in world._people:
            if person.client is not None:
                cut(person)

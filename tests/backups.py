"""A server's backup of its rooms, and what comes of it in the end: a server that knows less than before."""

from dataclasses import dataclass
from typing import Any

from entrenous.server.store import Transaction
from entrenous.testing.members import World

_OF_ROOMS = ("rooms", "entries", "sent", "roster", "cursors", "inbox", "group_states")


@dataclass(frozen=True)
class Backup:
    """Every row of some tables."""

    rows: dict[str, list[Any]]

    @classmethod
    async def of(cls, world: World) -> "Backup":
        """Make one of what the server keeps now."""

        def operation(tx: Transaction) -> dict[str, list[Any]]:
            found = {}
            for table in _OF_ROOMS:
                tx._cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 a name from above
                found[table] = [tuple(row) for row in tx._cursor.fetchall()]
            return found

        return cls(await world.server.server.storage.write(operation))

    async def restore(self, world: World) -> None:
        """Go back to it. Everybody's connection breaks, as it does when a server is started again."""

        def operation(tx: Transaction) -> None:
            tx._cursor.execute("PRAGMA defer_foreign_keys = ON")
            for table in reversed(_OF_ROOMS):
                tx._cursor.execute(f"DELETE FROM {table}")  # noqa: S608 a name from above
            for table, rows in self.rows.items():
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    tx._cursor.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 a name from above

        await world.server.server.storage.write(operation)
        for person in world._people:
            if person.client is not None:
                person.connector.wires[-1].cut()  # type: ignore[attr-defined] # in memory

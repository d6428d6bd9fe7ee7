"""The store's tables: one ordered list of scripts, of which a store file has run the first ``user_version``.

A script that has been released never changes; what a newer version needs is a new script at the end of the list.
"""

from dataclasses import dataclass

from entrenous.client.store.account_schema import ACCOUNT_TABLES
from entrenous.client.store.rooms_schema import ROOM_TABLES, STAGED_TREES


@dataclass(frozen=True, slots=True)
class Script:
    """One step forward: its name, for errors, and its statements, run in one transaction."""

    name: str
    statements: tuple[str, ...]


#: Every script there is, in the order in which they run.
SCHEMA: tuple[Script, ...] = (
    Script("account", ACCOUNT_TABLES),
    Script("rooms", ROOM_TABLES),
    Script("staged trees", STAGED_TREES),
)

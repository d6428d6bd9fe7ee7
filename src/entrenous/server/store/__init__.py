"""The server's database: schema, the storage thread, and the SQL of one thing per module."""

from entrenous.server.store.engine import create_tables, ensure_schema, revision_of, shared_engine, sqlite_engine
from entrenous.server.store.jobs import Done, Operation, Together
from entrenous.server.store.statements import Statement, Transaction
from entrenous.server.store.storage import MAX_BATCH, Storage

__all__ = [
    "MAX_BATCH",
    "Done",
    "Operation",
    "Statement",
    "Storage",
    "Together",
    "Transaction",
    "create_tables",
    "ensure_schema",
    "revision_of",
    "shared_engine",
    "sqlite_engine",
]

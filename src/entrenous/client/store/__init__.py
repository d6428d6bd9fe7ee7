"""The client's one encrypted file: its mechanism, its schema, and a module of typed rows per kind of thing."""

from entrenous.client.store.schema import SCHEMA, Script
from entrenous.client.store.store import Row, Rows, Store, Transaction, Value

__all__ = ["SCHEMA", "Row", "Rows", "Script", "Store", "Transaction", "Value"]

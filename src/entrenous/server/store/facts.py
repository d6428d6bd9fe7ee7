"""The rows of what a database says about itself: whose it is, and whether a copy into it is whole."""

from enum import StrEnum

from sqlalchemy import bindparam, delete, insert, select

from entrenous.server.store.schema import facts
from entrenous.server.store.statements import Statement, Transaction

_OWNER, _USE = "owner", "use"

_FIND = Statement(select(facts.c.value).where(facts.c.name == bindparam("which")))
_DELETE = Statement(delete(facts).where(facts.c.name == bindparam("which")))
_INSERT = Statement(insert(facts))


class Use(StrEnum):
    """What a database is used for."""

    #: A copy into it was begun, and has not been verified with the server stopped.
    COPYING = "copying"
    #: It holds all that the other one held; nobody has served it since.
    COPIED = "copied"
    #: Servers write to it.
    SERVING = "serving"


def owner(tx: Transaction) -> bytes | None:
    """The id of the server whose database it is; None if nobody has used it."""
    return _value(tx, _OWNER)


def use(tx: Transaction) -> Use | None:
    """What it is used for; None if for nothing yet."""
    value = _value(tx, _USE)
    return None if value is None else Use(value.decode())


def set_owner(tx: Transaction, server_id: bytes) -> None:
    """It is this server's."""
    _set(tx, _OWNER, server_id)


def set_use(tx: Transaction, value: Use) -> None:
    """It is used for this."""
    _set(tx, _USE, value.encode())


def _value(tx: Transaction, name: str) -> bytes | None:
    row = tx.one(_FIND, which=name)
    return None if row is None else bytes(row[0])


def _set(tx: Transaction, name: str, value: bytes) -> None:
    tx.run(_DELETE, which=name)
    tx.run(_INSERT, name=name, value=value)

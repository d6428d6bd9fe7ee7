"""What is measured: the rows of the table."""

import enum


class Unit(enum.Enum):
    """What a row's figures count."""

    MILLISECONDS = "ms"
    BYTES = "bytes"
    MEGABYTES = "MB"


class Row(enum.Enum):
    """A row: what it says in the table, and its unit."""

    KEY_PACKAGE = "KeyPackage", Unit.MILLISECONDS
    ADD_ALL = "add all others in one Commit", Unit.MILLISECONDS
    JOIN = "join, blank tree", Unit.MILLISECONDS
    JOIN_FILLED = "join, filled tree", Unit.MILLISECONDS
    COMMIT_BLANK = "Commit with a path, blank tree", Unit.MILLISECONDS
    PROCESS_BLANK = "process it", Unit.MILLISECONDS
    COMMIT_FILLED = "Commit with a path, filled tree", Unit.MILLISECONDS
    PROCESS_FILLED = "process that", Unit.MILLISECONDS
    PROCESS_PUBLIC = "process one that is a PublicMessage", Unit.MILLISECONDS
    ADD_ONE = "add one more", Unit.MILLISECONDS
    PROTECT = "protect 200 bytes", Unit.MILLISECONDS
    UNPROTECT = "unprotect them", Unit.MILLISECONDS
    KEY_PACKAGE_SIZE = "a KeyPackage", Unit.BYTES
    WELCOME_SIZE = "the Welcome of all", Unit.BYTES
    COMMIT_BLANK_SIZE = "Commit, blank tree", Unit.BYTES
    COMMIT_FILLED_SIZE = "Commit, filled tree", Unit.BYTES
    MESSAGE_SIZE = "200 bytes, protected", Unit.BYTES
    IDLE_MEMORY = "memory at the start", Unit.MEGABYTES
    MEMORY = "most memory", Unit.MEGABYTES

    def __init__(self, title: str, unit: Unit) -> None:
        self.title = title
        self.unit = unit

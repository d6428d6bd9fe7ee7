"""A crowd of somebodies in groups: which group is the largest, and who of it has been there for longest."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Crowd(Generic[T]):
    """Every operation takes the same time, however large the crowd."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[T, None]] = {}
        #: The groups of each size; none of the sizes is without a group.
        self._of_size: dict[int, dict[str, None]] = {}
        self._largest = 0

    def size(self, group: str) -> int:
        """How many of a group there are."""
        return len(self._groups.get(group, ()))

    def add(self, group: str, member: T) -> None:
        """Somebody has come; nobody comes twice."""
        members = self._groups.setdefault(group, {})
        members[member] = None
        self._resize(group, len(members) - 1, len(members))

    def remove(self, group: str, member: T) -> bool:
        """Somebody is gone; whether he was there."""
        members = self._groups.get(group, {})
        if member not in members:
            return False
        del members[member]
        if not members:
            del self._groups[group]
        self._resize(group, len(members) + 1, len(members))
        return True

    def oldest_of_largest(self, *, more_than: int) -> T | None:
        """Who has been there for longest in a largest group, if that has more members than ``more_than``."""
        if self._largest <= more_than:
            return None
        group = next(iter(self._of_size[self._largest]))
        return next(iter(self._groups[group]))

    def _resize(self, group: str, before: int, after: int) -> None:
        if before:
            del self._of_size[before][group]
            if not self._of_size[before]:
                del self._of_size[before]
        if after:
            self._of_size.setdefault(after, {})[group] = None
        # Sizes change by one, so where the largest group shrank and was alone, it still is a largest one.
        if after > self._largest or self._largest not in self._of_size:
            self._largest = after

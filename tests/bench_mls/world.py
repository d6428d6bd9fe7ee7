"""The other members of a measured group: all on our stack, their keys in one hand, so that they cost little."""

import copy
import dataclasses

from bench_mls.drivers import Ours


class World:
    """So many people of one suite, and a spare one who comes later.

    Attributes:
        people: all but the spare one.
        key_packages: theirs, and then the spare one's.
    """

    def __init__(self, suite: int, count: int) -> None:
        self.people = [Ours(f"person {number}", suite) for number in range(count)]
        self.key_packages = [person.key_package() for person in (*self.people, Ours("spare", suite))]
        self._holder: Ours | None = None

    def welcome(self, *key_packages: bytes) -> bytes:
        """A Welcome of these into a group of all people in which every parent node has a key.

        The same group each time: whom one call adds is not in it at the next.
        """
        if self._holder is None:
            self._holder = self._filled()
        inviter = copy.copy(self._holder)
        return inviter.commit(list(key_packages), [])[1][0]

    def _filled(self) -> Ours:
        """Somebody of a group in which one of any two neighbours has committed since the last Add.

        Far ones come first, so that each next path has fewer blank nodes to encrypt around.
        """
        holder, *others = self.people
        holder.create(b"a filled tree")
        keys = [person.bundles.popitem()[1].encryption_private for person in self.people]
        keys[0] = holder.group.private_keys[0]
        if others:
            holder.commit(self.key_packages[1:-1], [])
        for leaf in far_ones_first(len(self.people)):
            person = self.people[leaf]
            # A Commit takes the secrets that all members share, and nothing of its sender but his leaf's key.
            person.group = dataclasses.replace(holder.group, own_leaf=leaf, private_keys={2 * leaf: keys[leaf]})
            person.keys = holder.keys
            person.commit([], [])
            holder = person
        return holder


def far_ones_first(count: int) -> list[int]:
    """Every other leaf of ``count``, halving the distances as it goes."""
    bits = max(count - 1, 1).bit_length()
    return sorted(range(0, count, 2), key=lambda leaf: int(f"{leaf:0{bits}b}"[::-1], 2))

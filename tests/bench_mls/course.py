"""One course of measurements: a group of a given size, with two members on the measured stack."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench_mls.rows import Row
from bench_mls.stacks import Answer, Running
from bench_mls.world import World

#: How often a round repeats what is cheap, and what is not.
OFTEN, TWICE = 10, 2
MESSAGE = bytes(200)
#: Milliseconds in a second, and bytes in a megabyte.
MS, MB = 1e3, 1e6


@dataclass
class Figures:
    """The least of all that was measured of each row; sizes and memory are the last and the most."""

    found: dict[Row, float] = field(default_factory=dict)

    def time(self, row: Row, answer: Answer) -> None:
        """A call took so long."""
        self.found[row] = min(self.found.get(row, float("inf")), answer.cpu * MS)

    def size(self, row: Row, in_bytes: int) -> None:
        """Something has so many bytes."""
        self.found[row] = in_bytes

    def memory(self, row: Row, in_bytes: int | None) -> None:
        """The process has had at most so much memory so far; None where it is not known."""
        if in_bytes is not None:
            self.found[row] = in_bytes / MB


@dataclass
class Course:
    """What one stack goes through in one round. Each ``steps`` is a rest, in which others take their turn.

    Attributes:
        running: the stack.
        suite: the number of its suite.
        members: of the group, with the two that are measured.
        name: of this round, since every round has members and groups of its own.
        world: everybody else, and one more.
        figures: where the results go.
        filled: whether a filled tree is measured, too.
    """

    running: Running
    suite: int
    members: int
    name: str
    world: World | None
    figures: Figures
    filled: bool = True

    def steps(self) -> Iterator[None]:
        """Do one thing after the other, and rest in between."""
        sender, receiver = (self._member(f"{self.name} {role}") for role in ("sender", "receiver"))
        if Row.IDLE_MEMORY not in self.figures.found:
            self.figures.memory(Row.IDLE_MEMORY, self.running.memory())
        yield
        for _ in range(OFTEN):
            made = self.running.ask(sender, "keyPackage")
            self.figures.time(Row.KEY_PACKAGE, made)
            self.figures.size(Row.KEY_PACKAGE_SIZE, len(made.result) // 2)
        yield
        *others, spare = self._others()
        yield from self._blank(sender, receiver, others)
        yield from self._talk(sender, receiver)
        self.figures.time(Row.ADD_ONE, self.running.ask(sender, "commit", add=[spare]))
        yield
        if self.filled and self.world is not None and self.members > 2:
            yield from self._filled(*(self._member(f"{self.name} filled {role}") for role in ("sender", "receiver")))
        self.figures.memory(Row.MEMORY, self.running.memory())

    def _blank(self, sender: str, receiver: str, others: list[str]) -> Iterator[None]:
        """The founder adds everybody and renews his keys, all parents but his own blank."""
        newcomer = self.running.ask(receiver, "keyPackage").result
        self.running.ask(sender, "create", groupId=self.name.encode().hex())
        added = self.running.ask(sender, "commit", add=[*others, newcomer])
        self.figures.time(Row.ADD_ALL, added)
        welcome = added.result["welcome"]
        self.figures.size(Row.WELCOME_SIZE, added.result.get("welcomeSize", len(welcome) // 2))
        yield
        self.figures.time(Row.JOIN, self.running.ask(receiver, "join", welcome=welcome))
        yield
        leaves = list(range(1, self.members - 1))
        yield from self._commit(sender, receiver, (Row.COMMIT_BLANK, Row.PROCESS_BLANK, Row.COMMIT_BLANK_SIZE), leaves)

    def _filled(self, sender: str, receiver: str) -> Iterator[None]:
        """The two last leaves of a tree in which every parent has a key."""
        assert self.world is not None
        packages = [self.running.ask(member, "keyPackage").result for member in (sender, receiver)]
        welcome = self.world.welcome(*(bytes.fromhex(package) for package in packages)).hex()
        for member in (sender, receiver):
            self.figures.time(Row.JOIN_FILLED, self.running.ask(member, "join", welcome=welcome))
            yield
        rows = Row.COMMIT_FILLED, Row.PROCESS_FILLED, Row.COMMIT_FILLED_SIZE
        leaves = list(range(self.members - 3, 0, -1))
        if self.running.stack.commits_by_removing and len(leaves) <= TWICE:
            return
        # The two are unmerged at every parent above them until the first Commit, which is not measured.
        first = self.running.ask(sender, "commit", **self._renewal(leaves))
        self.running.ask(receiver, "follow", message=first.result["commit"])
        yield from self._commit(sender, receiver, rows, leaves)
        if self.running.stack.in_clear:
            for _ in range(TWICE):
                made = self.running.ask(sender, "commit", asPublic=True)
                yield
                self.figures.time(
                    Row.PROCESS_PUBLIC, self.running.ask(receiver, "follow", message=made.result["commit"])
                )
                yield

    def _commit(self, sender: str, receiver: str, rows: tuple[Row, Row, Row], leaves: list[int]) -> Iterator[None]:
        if self.running.stack.commits_by_removing and len(leaves) < TWICE:
            return
        for _ in range(TWICE):
            made = self.running.ask(sender, "commit", **self._renewal(leaves))
            self.figures.time(rows[0], made)
            yield
            self.figures.time(rows[1], self.running.ask(receiver, "follow", message=made.result["commit"]))
            self.figures.size(rows[2], len(made.result["commit"]) // 2)
            yield

    def _renewal(self, leaves: list[int]) -> dict[str, list[int]]:
        """The arguments of a Commit with a path; it consumes one of ``leaves`` where the stack has to remove one."""
        return {"remove": [leaves.pop(0)]} if self.running.stack.commits_by_removing else {}

    def _talk(self, sender: str, receiver: str) -> Iterator[None]:
        for _ in range(OFTEN):
            said = self.running.ask(sender, "protect", data=MESSAGE.hex())
            self.figures.time(Row.PROTECT, said)
            self.figures.time(Row.UNPROTECT, self.running.ask(receiver, "read", message=said.result))
            self.figures.size(Row.MESSAGE_SIZE, len(said.result) // 2)
        yield

    def _member(self, name: str) -> str:
        self.running.ask(name, "member", suite=self.suite)
        return name

    def _others(self) -> list[str]:
        """KeyPackages of everybody but the two, and of one more."""
        if self.world is not None:
            return [key_package.hex() for key_package in self.world.key_packages]
        strangers = [self._member(f"{self.name} stranger {number}") for number in range(self.members - 1)]
        return [self.running.ask(stranger, "keyPackage").result for stranger in strangers]

"""The vectors tried on the product: does each end as it says, with the results that it names?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from entrenous.errors import EntrenousError
from entrenous.testing.vectors.form import SUCCESS, Given, Vector, VectorFile, load_vectors, outcome_of
from entrenous.testing.vectors.operations import OPERATIONS


@dataclass(frozen=True, slots=True)
class Failure:
    """A vector that ends otherwise than it says."""

    operation: str
    comment: str
    #: What is different, a sentence for people.
    difference: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of trying vectors."""

    #: For each operation, how many of its vectors were tried.
    tried: Mapping[str, int]
    failures: tuple[Failure, ...]

    @property
    def holds(self) -> bool:
        """Whether there was something to try and all of it ended as it should."""
        return bool(self.tried) and not self.failures


def prove(vector_files: Iterable[VectorFile] | None = None) -> Proof:
    """Try every vector of these files. If none are given: of those that came with the product, each operation's."""
    return _prove(load_vectors(), OPERATIONS) if vector_files is None else _prove(vector_files, ())


def _prove(vector_files: Iterable[VectorFile], wanted: Iterable[str]) -> Proof:
    tried: dict[str, int] = dict.fromkeys(wanted, 0)
    failures = []
    for file in vector_files:
        tried[file.operation] = len(file.vectors)
        for vector in file.vectors:
            difference = _difference(file.operation, vector)
            if difference:
                failures.append(Failure(file.operation, vector.comment, difference))
    untried = [
        Failure(operation, "any", "there is nothing to try") for operation, number in tried.items() if not number
    ]
    return Proof(tried, (*failures, *untried))


def run(operation: str, given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """How an operation ends, as ``Vector.expect`` says it, and its results.

    Raises:
        UsageError: it cannot be given this.
    """
    try:
        return SUCCESS, OPERATIONS[operation](Given(given))
    except EntrenousError as error:
        return outcome_of(error), {}


def _difference(operation: str, vector: Vector) -> str:
    if operation not in OPERATIONS:
        return "this version does not know the operation"
    try:
        outcome, results = run(operation, vector.given)
    except Exception as error:  # noqa: BLE001 what nobody foresaw is a difference too, and must not hide the others
        return f"it ends in a {type(error).__name__}"
    if outcome != vector.expect:
        return f"it ends in {outcome} where {vector.expect} is due"
    different = [name for name in {**results, **vector.gives} if results.get(name) != vector.gives.get(name)]
    return f"it gives another {', '.join(different)}" if different else ""

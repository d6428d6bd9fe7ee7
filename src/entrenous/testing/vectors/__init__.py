"""Our own test vectors (docs/spec/vectors), and the product tried on them: ``prove()``."""

from entrenous.testing.vectors.form import (
    CRYPTO,
    MALFORMED,
    SUCCESS,
    Given,
    Vector,
    VectorFile,
    load_vectors,
    vector_folder,
)
from entrenous.testing.vectors.operations import OPERATIONS
from entrenous.testing.vectors.proof import Failure, Proof, prove, run

__all__ = [
    "CRYPTO",
    "MALFORMED",
    "OPERATIONS",
    "SUCCESS",
    "Failure",
    "Given",
    "Proof",
    "Vector",
    "VectorFile",
    "load_vectors",
    "prove",
    "run",
    "vector_folder",
]

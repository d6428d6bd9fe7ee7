"""Official test vectors as seeds, where they stand beside the checkout."""

import gzip
import json
from pathlib import Path
from typing import Any

_VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "mls"
#: Of each file, so many cases: they differ in their suites, and one parser reads them all.
_CASES = 3


def mls_messages() -> list[bytes]:
    """MLSMessages of every kind."""
    return [
        bytes.fromhex(value)
        for case in _load("messages.json.gz")
        for name, value in case.items()
        if name.startswith(("mls_", "public_", "private_"))
    ]


def ratchet_trees() -> list[bytes]:
    """Encoded ratchet trees, small and large."""
    return [bytes.fromhex(case["tree"]) for case in _load("tree-validation.json.gz")]


def _load(name: str) -> list[Any]:
    path = _VECTORS / name
    return json.loads(gzip.decompress(path.read_bytes()))[:_CASES] if path.exists() else []

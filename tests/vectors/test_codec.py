"""The MLS working group's vectors for vector headers."""

from conftest import Vectors
from entrenous.codec import encode_length, read_length


def test_deserialization(vectors: Vectors) -> None:
    cases = vectors.load("mls/deserialization.json")
    for case in cases:
        header = bytes.fromhex(case["vlbytes_header"])
        assert read_length(header, 0, len(header)) == (case["length"], len(header))
        assert encode_length(case["length"]) == header
    assert len(cases) == 14

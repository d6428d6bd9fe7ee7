"""RFC 9497's test vectors for OPRF(ristretto255, SHA-512), mode 0."""

from typing import Any

from conftest import Vectors
from entrenous.opaque import oprf

h = bytes.fromhex


def suite(vectors: Vectors) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        entry
        for entry in vectors.load("oprf/oprf-allVectors.json")
        if entry["identifier"] == "ristretto255-SHA512" and entry["mode"] == 0
    ]
    assert len(found) == 1
    return found[0]


def test_the_key_pair_follows_from_the_seed(vectors: Vectors) -> None:
    entry = suite(vectors)
    private, public = oprf.derive_key_pair(h(entry["seed"]), h(entry["keyInfo"]))
    assert private.reveal() == h(entry["skSm"])
    assert len(public) == 32
    assert oprf.derive_scalar(h(entry["seed"]), h(entry["keyInfo"])) == private


def test_the_domain_separation_tag_is_the_listed_one(vectors: Vectors) -> None:
    assert h(suite(vectors)["groupDST"]) == b"HashToGroup-" + oprf.CONTEXT


def test_blind_evaluate_and_finalize_give_the_listed_bytes(vectors: Vectors) -> None:
    entry = suite(vectors)
    cases = entry["vectors"]
    for case in cases:
        drawn: list[int] = []

        def entropy(size: int, case: dict[str, Any] = case, drawn: list[int] = drawn) -> bytes:
            drawn.append(size)
            return h(case["Blind"]).ljust(size, b"\x00")  # 64 bytes that reduce to the listed scalar

        blind, blinded = oprf.blind(h(case["Input"]), entropy)
        assert blind.reveal() == h(case["Blind"])
        assert blinded == h(case["BlindedElement"])
        evaluated = oprf.blind_evaluate(oprf.Scalar(h(entry["skSm"])), blinded)
        assert evaluated == h(case["EvaluationElement"])
        assert oprf.finalize(h(case["Input"]), blind, evaluated) == h(case["Output"])
        assert drawn == [64]
    assert len(cases) == 2

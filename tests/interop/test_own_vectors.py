"""Our own vectors of groups, tried by ts-mls 1.6.4 (TypeScript): those in a suite that it knows."""

from collections.abc import Iterator

import pytest

from entrenous.mls.types import KeyPackage, MLSMessage, ProtocolVersion
from entrenous.testing.vectors import SUCCESS, Vector, load_vectors
from ts_mls_parties import PeerError, Peers, install

#: MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519.
SUITE = 0x0001
VECTORS = [
    vector
    for file in load_vectors()
    if file.operation == "groups-joining"
    for vector in file.vectors
    if vector.given["suite"] == SUITE
]


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    running = Peers(install(tmp_path_factory.mktemp("ts_mls")))
    yield running
    running.close()


def heard(peers: Peers, member: str, vector: Vector) -> list[str]:
    """What a member reads who joins with the vector's keys."""
    given = vector.given
    key_package = MLSMessage(ProtocolVersion.MLS10, KeyPackage.decode(bytes.fromhex(given["key_package"])))
    peers.ask(member, "member", suite=SUITE)
    peers.ask(
        member,
        "joinWith",
        keyPackage=key_package.encode().hex(),
        initKey=given["init_key"],
        leafKey=given["leaf_key"],
        welcome=given["welcome"],
        tree=given["ratchet_tree"],
    )
    said = [peers.ask(member, "process", message=message)["data"] for message in given["messages"]]
    return [text for text in said if text is not None]


def test_ts_mls_ends_every_vector_alike(peers: Peers) -> None:
    assert len(VECTORS) > 10
    for number, vector in enumerate(VECTORS):
        member = f"reader {number}"
        if vector.expect != SUCCESS:
            with pytest.raises(PeerError):
                heard(peers, member, vector)
            continue
        assert heard(peers, member, vector) == [text for _, _, text in vector.gives["heard"]], vector.comment
        facts = peers.ask(member, "facts", label="any", context="", length=32)
        assert (facts["epoch"], facts["authenticator"]) == (vector.gives["epoch"], vector.gives["epoch_authenticator"])

"""Values that keep their encoding, and lists that are read when somebody asks."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh import afresh
from entrenous.codec import MAX_ELEMENTS, Opaque, Vector, decode_as, encode_as
from entrenous.errors import MalformedError
from entrenous.mls.types import (
    Ciphertexts,
    Commit,
    HPKECiphertext,
    KeyPackage,
    KeyPackageTBS,
    LeafNode,
    LeafNodeContent,
    LeafPlace,
    UpdatePathNode,
)
from mls_members import Member, gather

MANY = Vector[HPKECiphertext]


def test_a_value_that_was_read_encodes_as_one_that_was_built() -> None:
    package = Member("alice").key_package().key_package
    read = KeyPackage.decode(package.encode())
    assert read == package == afresh(read)
    assert read.encode() == package.encode() == afresh(read).encode()


def test_a_changed_copy_remembers_nothing_of_what_it_was_copied_from() -> None:
    package = KeyPackage.decode(Member("alice").key_package().key_package.encode())
    changed = dataclasses.replace(package, leaf_node=dataclasses.replace(package.leaf_node, encryption_key=b"another"))
    assert changed.encode() == afresh(changed).encode() != package.encode()


def test_what_a_signature_covers_is_all_but_the_signature() -> None:
    package = KeyPackage.decode(Member("alice").key_package().key_package.encode())
    leaf, place = package.leaf_node, LeafPlace(b"group", 7)
    assert package.to_be_signed() == encode_as(KeyPackageTBS, afresh(package))
    assert leaf.to_be_signed(None) == encode_as(LeafNodeContent, afresh(leaf))
    assert leaf.encode() == leaf.to_be_signed(None) + b"\x40\x40" + leaf.signature
    committed = gather(2)[0].group.own_leaf_node
    assert committed.to_be_signed(place) == encode_as(LeafNodeContent, afresh(committed)) + place.encode()


def test_writing_the_signed_part_of_a_leaf_first_does_not_make_it_the_whole() -> None:
    leaf = afresh(Member("alice").key_package().key_package.leaf_node)
    part = encode_as(LeafNodeContent, leaf)
    assert LeafNode.decode(leaf.encode()) == leaf
    assert leaf.encode().startswith(part)
    assert len(leaf.encode()) > len(part)


@given(
    sizes=st.lists(st.tuples(st.sampled_from([0, 1, 32, 63, 64, 100]), st.sampled_from([0, 16, 64])), max_size=6),
    alike=st.booleans(),
)
def test_a_list_of_ciphertexts_is_the_same_whether_it_is_of_one_form_or_of_many(
    sizes: list[tuple[int, int]], alike: bool
) -> None:
    if alike:
        sizes = sizes[:1] * len(sizes)
    values = tuple(HPKECiphertext(bytes([at]) * one, bytes([at]) * two) for at, (one, two) in enumerate(sizes))
    data = encode_as(MANY, values)
    read = decode_as(Ciphertexts, data)
    assert read == values
    assert values == read
    assert hash(read) == hash(values)
    assert list(read) == list(values)
    assert len(read) == len(values)
    assert [read[at] for at in range(len(read))] == list(values)
    assert read[1:] == values[1:]
    assert encode_as(Ciphertexts, read) == encode_as(Ciphertexts, values) == data
    assert isinstance(read, Ciphertexts) is bool(values and len(set(sizes)) == 1)


@given(content=st.lists(st.binary(max_size=12), max_size=3), repeats=st.integers(1, 4))
def test_hostile_lists_of_ciphertexts_read_as_a_plain_vector_of_them(content: list[bytes], repeats: int) -> None:
    hostile = encode_as(Opaque, b"".join(content * repeats))
    for data in (hostile, hostile[1:]):
        try:
            expected = decode_as(MANY, data)
        except MalformedError:
            with pytest.raises(MalformedError):
                decode_as(Ciphertexts, data)
        else:
            assert decode_as(Ciphertexts, data) == expected


@given(count=st.integers(1, 5), broken=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_list_of_one_form_with_a_changed_byte_reads_as_a_plain_vector_with_it(
    count: int, broken: int, byte: int
) -> None:
    data = bytearray(encode_as(MANY, (HPKECiphertext(bytes(9), bytes(7)),) * count))
    data[broken % len(data)] = byte
    try:
        expected = decode_as(MANY, bytes(data))
    except MalformedError:
        with pytest.raises(MalformedError):
            decode_as(Ciphertexts, bytes(data))
    else:
        assert decode_as(Ciphertexts, bytes(data)) == expected


def test_a_list_of_too_many_ciphertexts_is_malformed() -> None:
    full = encode_as(MANY, (HPKECiphertext(b"", b""),) * MAX_ELEMENTS)
    assert len(decode_as(Ciphertexts, full)) == MAX_ELEMENTS
    longer = (0x8000_0000 | (2 * MAX_ELEMENTS + 2)).to_bytes(4, "big") + bytes(2 * MAX_ELEMENTS + 2)
    with pytest.raises(MalformedError):
        decode_as(Ciphertexts, longer)


def test_ciphertexts_of_different_lists_are_told_apart() -> None:
    one, other = (decode_as(Ciphertexts, encode_as(MANY, (HPKECiphertext(b"a", bytes([b])),) * 3)) for b in (1, 2))
    assert one != other
    assert one == decode_as(Ciphertexts, encode_as(Ciphertexts, one))
    assert one != "something else"
    assert repr(one) == "Ciphertexts(3 of 4 bytes)"


def test_a_commit_that_was_read_encodes_as_one_that_was_built() -> None:
    alice, bob, *_ = gather(6)
    own = alice.prepare()
    read = bob.opens(own.message).body
    assert isinstance(read, Commit)
    assert read.path is not None
    assert any(isinstance(node.encrypted_path_secret, Ciphertexts) for node in read.path.nodes)
    assert read == afresh(read)
    assert read.encode() == afresh(read).encode()
    assert UpdatePathNode.decode(read.path.nodes[0].encode()) == read.path.nodes[0]

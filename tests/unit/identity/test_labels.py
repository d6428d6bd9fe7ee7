import hashlib

from entrenous.codec import Struct, UInt8, encode_length, struct
from entrenous.identity import Label, fingerprint, labelled, signed


@struct
class Body(Struct):
    number: UInt8


def test_no_two_purposes_share_a_label() -> None:
    values = [label.value for label in Label.__members__.values()]
    assert len(set(values)) == len(values) == len(Label)
    assert len(values) >= 10


def test_every_label_says_whose_and_which_version_it_is() -> None:
    assert all(label.value.startswith(b"entrenous v1 ") for label in Label)


def test_a_label_stands_with_its_length_before_what_is_signed() -> None:
    label = Label.DEVICE_LIST
    assert signed(label, Body(7)) == bytes([len(label.value)]) + label.value + b"\x07"


def test_a_label_that_begins_another_cannot_be_confused_with_it() -> None:
    # "device list" + " hash..." is not "device list hash" + "...": the length in front differs
    assert labelled(Label.DEVICE_LIST, b" hashx") != labelled(Label.DEVICE_LIST_HASH, b"x")


def test_a_fingerprint_is_sha256_of_the_labelled_bytes() -> None:
    label = Label.SERVER_ID.value
    expected = hashlib.sha256(encode_length(len(label)) + label + b"key").digest()
    assert fingerprint(Label.SERVER_ID, b"key") == expected

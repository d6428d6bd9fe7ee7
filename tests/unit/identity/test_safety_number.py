import hashlib

import pytest

from entrenous.errors import UsageError
from entrenous.identity import AccountCredential, Label, labelled, safety_number, same_safety_number
from identity_people import account

ALICE, BOB = account(1).credential, account(2).credential
NUMBER = safety_number(ALICE, BOB)


def test_both_people_see_the_same_sixty_digits() -> None:
    assert safety_number(BOB, ALICE) == NUMBER
    groups = NUMBER.split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)


def test_each_half_is_5200_rounds_of_sha512() -> None:
    halves = []
    for credential in (ALICE, BOB):
        digest = labelled(Label.SAFETY_NUMBER, credential.encode())
        for _ in range(5200):
            digest = hashlib.sha512(digest + credential.encode()).digest()
        numbers = [int.from_bytes(digest[at : at + 5], "big") % 100_000 for at in range(0, 30, 5)]
        halves.append(" ".join(f"{number:05}" for number in numbers))
    assert " ".join(sorted(halves)) == NUMBER


def test_another_key_or_account_changes_the_number() -> None:
    others = (
        account(3).credential,
        AccountCredential(BOB.account_id, account(3).credential.identity_key),
        AccountCredential(account(3).account_id, BOB.identity_key),
    )
    assert len({safety_number(ALICE, other) for other in others} | {NUMBER}) == 4


def test_spaces_do_not_matter_when_comparing() -> None:
    assert same_safety_number(NUMBER.replace(" ", ""), NUMBER)
    assert same_safety_number(NUMBER.replace(" ", "\n") + " ", NUMBER)
    assert not same_safety_number(NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1"), NUMBER)
    assert not same_safety_number("", NUMBER)
    assert not same_safety_number("é", NUMBER)


def test_nobody_compares_with_himself() -> None:
    with pytest.raises(UsageError):
        safety_number(ALICE, ALICE)

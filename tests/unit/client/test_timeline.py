"""Lines of the timeline, message ids, and reasons for people."""

import dataclasses

import pytest

from entrenous.client.message_ids import MessageIds
from entrenous.client.rooms.reasons import CRYPTO_RULE, MALFORMED_RULE, reason_of, rule_of
from entrenous.client.rooms.timeline import Change
from entrenous.content import MESSAGE_ID_SIZE, Role, new_settings, with_member, without_member
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.testing import SeededEntropy

ALICE, BOB, CAROL = (bytes([number]) * 16 for number in (1, 2, 3))
SETTINGS = with_member(new_settings("Garden", ALICE), BOB, Role.MEMBER)


def test_message_ids_never_repeat_within_a_run_nor_between_runs() -> None:
    first, second = MessageIds(SeededEntropy("one")), MessageIds(SeededEntropy("two"))
    ids = [ids.next() for ids in (first, second) for _ in range(1000)]
    assert len(set(ids)) == 2000
    assert {len(one) for one in ids} == {MESSAGE_ID_SIZE}
    assert len({one[:8] for one in ids}) == 2


def test_a_run_that_has_said_all_it_can_says_so() -> None:
    ids = MessageIds(SeededEntropy())
    ids._last = (1 << 32) - 1
    with pytest.raises(UsageError):
        ids.next()


def test_a_change_tells_who_came_who_left_and_whether_anything_else_did() -> None:
    swapped = with_member(without_member(SETTINGS, BOB), CAROL, Role.MEMBER)
    assert Change.between(SETTINGS, swapped) == Change((CAROL.hex(),), (BOB.hex(),), settings=False)
    assert Change.between(SETTINGS, SETTINGS) == Change()
    assert Change.between(SETTINGS, dataclasses.replace(SETTINGS, topic="roses")) == Change(settings=True)
    assert Change.between(SETTINGS, with_member(SETTINGS, BOB, Role.ADMIN)) == Change(settings=True)


@pytest.mark.parametrize(
    ("error", "rule", "sentence"),
    [
        (CryptoError(), CRYPTO_RULE, "not genuine"),
        (MalformedError("x"), MALFORMED_RULE, "damaged"),
        (RejectedError("MLS-GENERATION-CONSUMED", "generation 1"), "MLS-GENERATION-CONSUMED", "used before"),
        (RejectedError("ANYTHING-ELSE", "some detail"), "ANYTHING-ELSE", "some detail"),
    ],
)
def test_every_refusal_has_a_rule_and_a_reason(error: Exception, rule: str, sentence: str) -> None:
    assert rule_of(error) == rule
    assert sentence in reason_of(error)
    assert not reason_of(error).endswith(".")

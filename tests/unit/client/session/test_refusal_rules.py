"""The rules under which a client tells a server's refusals: one for each code that is final for its request."""

import pytest

from entrenous.client.session.refusals import error_from
from entrenous.errors import RejectedError
from entrenous.wire import ErrorCode, replies

RULES = {
    ErrorCode.MALFORMED: "DS-MALFORMED",
    ErrorCode.UNAUTHENTICATED: "DS-UNAUTHENTICATED",
    ErrorCode.BAD_CREDENTIALS: "DS-BAD-CREDENTIALS",
    ErrorCode.CLONED: "DS-CLONED",
    ErrorCode.INVITE: "DS-INVITE",
    ErrorCode.NAME_TAKEN: "DS-NAME-TAKEN",
    ErrorCode.NAME_INVALID: "DS-NAME-INVALID",
    ErrorCode.DENIED: "DS-DENIED",
    ErrorCode.NOT_FOUND: "DS-NOT-FOUND",
    ErrorCode.CONFLICT: "DS-CONFLICT",
    ErrorCode.STALE: "DS-STALE",
    ErrorCode.NO_KEY_PACKAGE: "DS-NO-KEY-PACKAGE",
    ErrorCode.TOO_LARGE: "DS-TOO-LARGE",
}
#: What time heals is no rule that was broken.
UNAVAILABLE = {ErrorCode.LIMIT, ErrorCode.UNAVAILABLE}


@pytest.mark.parametrize(("code", "rule"), RULES.items())
def test_a_refusal_is_told_under_the_rule_of_its_code(code: ErrorCode, rule: str) -> None:
    error = error_from(replies.Error(code, "a sentence"))
    assert isinstance(error, RejectedError)
    assert (error.rule, error.detail) == (rule, "a sentence")


def test_every_code_is_a_rule_or_healed_by_time() -> None:
    assert RULES.keys() | UNAVAILABLE == set(ErrorCode)
    for code in UNAVAILABLE:
        assert not isinstance(error_from(replies.Error(code, "later")), RejectedError)

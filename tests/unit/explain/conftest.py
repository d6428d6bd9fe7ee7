"""One run for all tests that only look at it."""

import pytest

from entrenous.crypto import Argon2Parameters, system_entropy
from entrenous.explain import Explanation
from entrenous.explain.run.conversation import Conversation, hold
from entrenous.explain.told import tell

FAST = Argon2Parameters(memory_kib=8, iterations=1, lanes=1)
NOW = 1_800_000_000


@pytest.fixture(scope="session")
def conversation() -> Conversation:
    return hold(system_entropy, NOW, cost=FAST)


@pytest.fixture(scope="session")
def explanation(conversation: Conversation) -> Explanation:
    chapters = tell(conversation)
    return Explanation("hybrid", chapters, tuple(range(1, len(chapters) + 1)))

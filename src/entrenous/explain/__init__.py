"""A miniature conversation in memory, told step by step with the real values of that run.

explanation = explain(system_entropy, now)
page = html_page(explanation)
lines = [line for told in explanation.steps() for line in step_lines(told)]
"""

from entrenous.channel import HYBRID, Suite
from entrenous.crypto import FLOOR, Argon2Parameters, Entropy
from entrenous.explain.listing import listing
from entrenous.explain.model import (
    WARNING,
    Attempt,
    Chapter,
    Explanation,
    Knower,
    Page,
    Source,
    Step,
    Told,
    Value,
)
from entrenous.explain.page import html_page
from entrenous.explain.run.conversation import hold
from entrenous.explain.text import chapter_lines, opening_lines, step_lines
from entrenous.explain.told import CHAPTERS, PARTS, tell

__all__ = [
    "CHAPTERS",
    "PARTS",
    "WARNING",
    "Attempt",
    "Chapter",
    "Explanation",
    "Knower",
    "Page",
    "Source",
    "Step",
    "Told",
    "Value",
    "chapter_lines",
    "explain",
    "html_page",
    "listing",
    "opening_lines",
    "step_lines",
]


def explain(entropy: Entropy, now: int, suite: Suite = HYBRID, cost: Argon2Parameters = FLOOR) -> Explanation:
    """Hold the conversation and tell it.

    Args:
        entropy: everybody's in it.
        now: unix seconds.
        suite: of the channels.
        cost: of one guess at the password; lower in tests alone.

    Raises:
        UsageError: two values that must be equal are not, or an attack that must fail did not.
    """
    chapters = tell(hold(entropy, now, suite, cost))
    return Explanation(suite.label, chapters, tuple(range(1, len(chapters) + 1)))

"""The page as a whole: what it is, who knows what, a list of contents, and the chapters."""

from entrenous.explain.model import WARNING, Chapter, Explanation, Knower, Told
from entrenous.explain.page.markup import Markup, element, join, void
from entrenous.explain.page.steps import anchor, draw_step
from entrenous.explain.page.style import STYLE
from entrenous.explain.page.svg import badge

_TITLE = "How Entrenous encrypts: one conversation, step by step"


def html_page(explanation: Explanation) -> str:
    """The page: whole in itself, good without scripts."""
    steps = list(explanation.steps())
    chapters = list(zip(explanation.numbers, explanation.chapters, strict=True))
    head = element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", _TITLE),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        _opening(explanation, steps),
        element(
            "main", _contents(chapters, steps), *(_chapter(number, chapter, steps) for number, chapter in chapters)
        ),
        element(
            "footer",
            element(
                "p", "Made by entrenous explain. Each run has other values; what it claims is compared in the run."
            ),
        ),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _opening(explanation: Explanation, steps: list[Told]) -> Markup:
    attempts = sum(len(told.step.attempts) for told in steps)
    checks = sum(len(told.step.checks) for told in steps)
    return element(
        "header",
        element("h1", _TITLE),
        element(
            "p",
            f"Everything below happened a moment ago. {len(steps)} steps, with the real bytes of that run in the "
            f"{explanation.suite} suite; {checks} claims that were compared between the sides, and {attempts} attacks "
            "that were really made, with the errors that stopped them. You need to know what a hash and a public key "
            "are. The rest is told.",
        ),
        element("p", WARNING, class_="warning"),
        element("h2", "Who knows what"),
        element("p", "Beside each value stands who knows it. Who is not named does not."),
        element(
            "dl",
            *(join(element("dt", badge(knower)), element("dd", knower.label)) for knower in Knower),
            class_="legend",
        ),
    )


def _contents(chapters: list[tuple[int, Chapter]], steps: list[Told]) -> Markup:
    entries = [
        element(
            "li",
            element("a", f"{number}. {chapter.title}", href=f"#{anchor(str(number))}"),
            element(
                "ol",
                *(
                    element("li", element("a", f"{told.number} {told.step.title}", href=f"#{anchor(told.number)}"))
                    for told in steps
                    if told.chapter is chapter
                ),
            ),
        )
        for number, chapter in chapters
    ]
    return element("nav", element("h2", "Contents"), element("ol", *entries), aria_label="Contents")


def _chapter(number: int, chapter: Chapter, steps: list[Told]) -> Markup:
    return element(
        "section",
        element("h2", element("span", f"{number}", class_="number"), chapter.title),
        element("p", chapter.opening),
        *(draw_step(told) for told in steps if told.chapter is chapter),
        id=anchor(str(number)),
    )

"""The formal models against their page and the kept answers: Maude is asked again, ProVerif's answers are compared."""

import re

import pytest

from formal import maude, proverif
from postgres import need

#: How the page says it of a run whose answer is not in the folder.
NOT_KEPT = "no answer kept yet"
KEPT = [one for one in proverif.RUNS if one.kept.exists()]


def test_a_login_is_relayed_where_its_binding_is_left_out_and_nowhere_else() -> None:
    if not maude.is_installed():
        need("maude")
    answers = maude.ask()
    assert {answer.question: answer.found for answer in answers} == dict(maude.questions())
    assert {answer.found for answer in answers} == {True, False}
    kept = maude.RESULT.read_text(encoding="utf-8")
    for answer in answers:
        assert f"{answer.question}\n{answer.verdict}\n" in kept, "make formal writes it again"


@pytest.mark.parametrize("one", KEPT, ids=lambda one: one.name)
def test_the_kept_answer_of_proverif_is_to_the_sources_of_today(one: proverif.Run) -> None:
    kept = one.kept.read_text(encoding="utf-8")
    assert f"\nsources: {one.fingerprint}\n" in kept, "make formal writes it again, where proverif is installed"
    assert tuple(holds for _, holds in proverif.verdicts(kept)) == one.expected


def test_every_source_is_run_and_every_answer_is_of_a_run() -> None:
    assert {path for one in proverif.RUNS for path in one.sources} == set(proverif.SOURCES.iterdir())
    assert {one.kept for one in KEPT} | {maude.RESULT} == set(maude.RESULT.parent.iterdir())


def test_the_page_names_every_model_and_answer_and_says_which_answers_are_missing() -> None:
    page = (maude.FORMAL / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(((?:maude|proverif|results)/[^)#]+)\)", page))
    files = {
        maude.MODEL,
        maude.RESULT,
        *(one.kept for one in KEPT),
        *(path for one in proverif.RUNS for path in one.sources),
    }
    assert named == {str(path.relative_to(maude.FORMAL)) for path in files}
    assert page.count(NOT_KEPT) == len(proverif.RUNS) - len(KEPT)

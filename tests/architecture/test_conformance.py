"""docs/spec/conformance.md against the code: every rule has a row, every row a module, and a test that names it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

from entrenous.client.session.refusals import error_from, refusal_rule
from entrenous.errors import RejectedError
from entrenous.wire import ErrorCode, replies

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "entrenous"
SOURCES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
TABLE = ROOT / "docs" / "spec" / "conformance.md"
#: Under this heading the same page goes through the standard of our groups; above it stand the rules.
SENTENCES = "## RFC 9420 by its sentences"
#: What a sentence without a rule ends in, and what stands where it is ours to keep.
ERRORS, OURS = {"MalformedError", "CryptoError", "UsageError"}, "–"

#: A rule id wherever it stands, not the beginning of several (ID-LEAF-…). The prefixes in use tell which are rules.
RULE = re.compile(r"\b[A-Z]+(?:-[A-Z0-9]+)+\b(?!-)")
#: How a row says where its rule comes from: a section of a standard, or a part of our own protocol.
ORIGIN = re.compile(
    r"\((?:RFC \d+ §\d+(?:\.\d+)*|channel|accounts|groups|delivery|profile)"
    r"(?:, (?:RFC \d+ |)§\d+(?:\.\d+)*|, (?:channel|accounts|groups|delivery|profile))*\)$"
)
#: The one place that makes rule ids at run time: from the codes of the wire.
OF_CODES = "client/session/refusals.py"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    section: str
    rule: str
    says: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """One line of the table of sentences."""

    section: str
    ends_in: tuple[str, ...]
    module: str
    test: str


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def rows() -> tuple[Row, ...]:
    """The table's rows, as written."""
    found, section = [], ""
    for line in TABLE.read_text().partition(SENTENCES)[0].splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| ") and not line.startswith("| rule "):
            rule, says, modules, tests = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(Row(section, rule, says, tuple(quoted(modules)), tuple(quoted(tests))))
    return tuple(found)


@cache
def sentences() -> tuple[Sentence, ...]:
    """What RFC 9420 says, and where it is kept."""
    lines = [line for line in TABLE.read_text().partition(SENTENCES)[2].splitlines() if line.startswith("| §")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return tuple(
        Sentence(section[1:], tuple(one.strip("`") for one in ends.split(", ")), *quoted(module), *quoted(test))
        for section, _, ends, module, test in cells
    )


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def classes() -> dict[str, list[ast.ClassDef]]:
    """RejectedError and every class below it, by name; two packages may use one name."""
    known = [node for path in SOURCES.values() for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)]
    names = {RejectedError.__name__}
    while below := {node.name for node in known if node.name not in names and names & names_in(node.bases)}:
        names |= below
    return {name: [node for node in known if node.name == name] for name in names}


def takes_rule(cls: ast.ClassDef) -> bool:
    """Whether a class is made with its rule first; the others choose it themselves."""
    made = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    return all(node.args.args[1].arg == "rule" for node in made)


def first_arguments(tree: ast.AST) -> Iterator[ast.expr]:
    """What rejections are given as their rule where they are made."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if any(map(takes_rule, classes().get(name, ()))):
                yield first


def own_rules(cls: ast.ClassDef) -> Iterator[ast.expr]:
    """What a class of rejections gives the class above it."""
    return (node.args[0] for node in ast.walk(cls) if is_super_init(node))


def is_super_init(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__" and bool(node.args)


def text_of(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@cache
def prefixes() -> frozenset[str]:
    """The first words of all rules."""
    arguments = [argument for path in SOURCES.values() for argument in first_arguments(parsed(path))]
    arguments += [argument for found in classes().values() for cls in found for argument in own_rules(cls)]
    found = map(text_of, arguments)
    return frozenset(rule.split("-")[0] for rule in found if rule is not None)


def rules_in(text: str) -> set[str]:
    return {word for word in RULE.findall(text) if word.split("-")[0] in prefixes()}


@cache
def rules() -> dict[str, set[str]]:
    """Every rule id of the source, with the modules that hold it as a whole string: raised, named or listed there."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, path in SOURCES.items():
        for node in ast.walk(parsed(path)):
            text = text_of(node)
            if text is not None and rules_in(text) == {text}:
                found[text].add(module)
    for code in ErrorCode:
        if isinstance(error_from(replies.Error(code, "")), RejectedError):
            found[refusal_rule(code)].add(OF_CODES)
    return dict(found)


def names_in(nodes: Iterable[ast.AST]) -> set[str]:
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}


def definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """A module's functions, classes and constants by name."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node
    return found


def part_of(path: Path, test: str) -> list[ast.stmt] | None:
    """A test with all of its module that it uses; None if there is no such test."""
    known = definitions(parsed(path))
    if not isinstance(known.get(test), Function):
        return None
    reached, waiting = set[str](), [test]
    while waiting:
        name = waiting.pop()
        if name in known and name not in reached:
            reached.add(name)
            waiting += names_in([known[name]])
    return [known[name] for name in reached]


def rules_named_by(path: Path, test: str) -> set[str] | None:
    """The rule ids in a test and in the tables of its module that it uses; None if there is no such test."""
    parts = part_of(path, test)
    if parts is None:
        return None
    strings = (text_of(node) for part in parts for node in ast.walk(part))
    return {rule for text in strings if text is not None for rule in rules_in(text)}


def test_every_rule_of_the_source_has_its_one_row() -> None:
    listed = [row.rule for row in rows()]
    assert sorted(rules().keys() - set(listed)) == [], "rules without a row in docs/spec/conformance.md"
    assert sorted(set(listed) - rules().keys()) == [], "rows whose rule is not in the source any more"
    assert sorted({rule for rule in listed if listed.count(rule) > 1}) == [], "rules with two rows"


def is_visible(argument: ast.expr, parameters: AbstractSet[str]) -> bool:
    """Whether a rule stands there in full, or was handed over by a caller or by another error."""
    match argument:
        case ast.Constant(value=str(rule)):
            return rules_in(rule) == {rule}
        case ast.Name(id=name):
            return name in parameters
        case _:
            return isinstance(argument, ast.Attribute) and argument.attr == "rule"


def test_a_rule_id_stands_in_the_source_where_it_is_raised() -> None:
    made = []
    for module, path in SOURCES.items():
        for function in (node for node in ast.walk(parsed(path)) if isinstance(node, Function)):
            parameters = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
            unseen = (node for node in first_arguments(function) if not is_visible(node, parameters))
            made += [f"{module}:{node.lineno} {ast.unparse(node)}" for node in unseen]
    assert made == []


def test_a_class_of_rejections_names_its_rule() -> None:
    below = [cls for name, found in classes().items() if name != RejectedError.__name__ for cls in found]
    made = [ast.unparse(rule) for cls in below for rule in own_rules(cls) if not is_visible(rule, {"rule", "reply"})]
    assert made == ["refusal_rule(reply.code)"]


def test_docstrings_and_comments_name_only_rules_that_exist() -> None:
    unknown = {
        f"{module}: {rule}" for module, path in SOURCES.items() for rule in rules_in(path.read_text()) - rules().keys()
    }
    assert sorted(unknown) == []


def test_the_table_is_grouped_by_package_and_sorted() -> None:
    places = [(row.section, row.rule) for row in rows()]
    assert places == sorted(places)
    assert [row.rule for row in rows() if not row.modules[0].startswith(f"{row.section}/")] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.rule)
def test_a_row_leads_to_its_source_its_module_and_its_test(row: Row) -> None:
    assert ORIGIN.search(row.says), "the row does not end in its section"
    assert not row.rule.startswith("MLS-") or "RFC 9420 §" in row.says
    assert set(row.modules) <= rules()[row.rule]
    assert row.tests
    for place in row.tests:
        path, _, name = place.partition("::")
        assert (ROOT / path).is_file(), place
        named = rules_named_by(ROOT / path, name)
        assert named is not None, f"no test {place}"
        assert row.rule in named, f"{place} does not name the rule"


def test_the_sentences_stand_in_the_order_of_the_standard() -> None:
    places = [tuple(map(int, sentence.section.split("."))) for sentence in sentences()]
    assert places == sorted(places)
    # §5 to §12 and §16 are all there; what §13 to §15 oblige to is spread over them.
    assert {5, 6, 7, 8, 9, 10, 11, 12, 16} <= {place[0] for place in places}


def test_every_rule_of_our_groups_is_a_sentence_of_the_standard_or_says_why_not() -> None:
    kept = {rule for sentence in sentences() for rule in sentence.ends_in}
    without = {row.rule: row.says for row in rows() if row.section == "mls" and row.rule not in kept}
    assert sorted(without) == [
        "MLS-MESSAGE-KIND",  # a matter of types
        "MLS-SENDER-SELF",  # our own message
        "MLS-TREE-CHANGES",  # our own format
        "MLS-TREE-NODE-TYPE",  # a matter of types
        "MLS-TREE-SIZE",  # our own bound
    ]


@pytest.mark.parametrize("sentence", sentences(), ids=lambda sentence: f"{sentence.section} {sentence.ends_in[0]}")
def test_a_sentence_leads_to_its_module_and_its_test(sentence: Sentence) -> None:
    assert f"mls/{sentence.module}" in SOURCES
    path, _, name = sentence.test.partition("::")
    parts = part_of(ROOT / path, name)
    assert parts is not None, f"no test {sentence.test}"
    known = {row.rule for row in rows()}
    for end in sentence.ends_in:
        assert end in known | ERRORS | {OURS}
        if end in known:
            assert end in (rules_named_by(ROOT / path, name) or ()), f"{sentence.test} does not name {end}"
        elif end in ERRORS:
            assert end in names_in(parts), f"{sentence.test} does not expect a {end}"

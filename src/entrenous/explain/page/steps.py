"""One step on the page: what happens, the picture, the reasons, the values, what was compared and what was tried."""

from entrenous.explain.drawings import Derivation, Drawing, Nesting, Sequence, Tree
from entrenous.explain.model import Attempt, Step, Told, Value
from entrenous.explain.page import derivations, nestings, sequences, trees
from entrenous.explain.page.markup import Markup, element, join, prose
from entrenous.explain.page.svg import badge

#: Bytes of a value that are shown at once.
_SHOWN = 16


def anchor(number: str) -> str:
    """The id of a step or chapter on the page."""
    return f"s{number.replace('.', '-')}"


def draw_step(told: Told) -> Markup:
    """The step."""
    step, key = told.step, anchor(told.number)
    return element(
        "article",
        element("h3", element("span", told.number, class_="number"), step.title),
        element("p", prose(step.what)),
        join() if step.drawing is None else _figure(key, step.drawing),
        _reasons(step),
        _values(told.number, step.values),
        _checks(step.checks),
        _attempts(step.attempts),
        _sources(step),
        id=key,
    )


def _figure(key: str, drawing: Drawing) -> Markup:
    return element("figure", _drawn(key, drawing), element("figcaption", f"{drawing.title}.{_colours(drawing)}"))


def _drawn(key: str, drawing: Drawing) -> Markup:
    match drawing:
        case Sequence():
            return sequences.draw(key, drawing)
        case Derivation():
            return derivations.draw(key, drawing)
        case Tree():
            return trees.draw(key, drawing)
        case Nesting():
            return nestings.draw(key, drawing)


def _colours(drawing: Drawing) -> str:
    """What the fillings mean, where the picture does not say so itself."""
    match drawing:
        case Sequence():
            return " To scale. Blue travels as it is; orange is encrypted or hides what it carries."
        case Nesting():
            return " To scale: the outlined part is opened in the row below it. Orange is encrypted."
        case Derivation():
            return " Lines lead from what a secret comes from to the secret."
        case Tree():
            return " Leaves are round. The digits begin the node's public key, or its secret."


def _reasons(step: Step) -> Markup:
    return element(
        "div",
        element("div", element("span", "Why it is there", class_="kind"), prose(step.why)),
        element("div", element("span", "What an attacker would gain without it", class_="kind"), prose(step.without)),
        class_="reason",
    )


def _values(number: str, values: tuple[Value, ...]) -> Markup:
    head = element("tr", *(element("th", word, scope="col") for word in ("Name", "Value", "Size", "Known to")))
    return element(
        "table",
        element("caption", f"The values of step {number} in this run"),
        element("thead", head),
        element("tbody", *map(_row, values)),
    )


def _row(value: Value) -> Markup:
    name = join(value.name, element("span", value.note, class_="note") if value.note else join())
    size = f"{len(value.data):,} bytes" if isinstance(value.data, bytes) else "–"
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", _data(value.data)),
        element("td", size, class_="size"),
        element("td", *(badge(who) for who in value.known_to), class_="knows"),
    )


def _data(data: bytes | str) -> Markup:
    if isinstance(data, str):
        return element("span", data)
    if len(data) <= 2 * _SHOWN:
        return element("span", data.hex(), class_="hex")
    summary = element("summary", element("span", f"{data[:_SHOWN].hex()}…", class_="hex"))
    return element("details", summary, element("span", data.hex(), class_="hex"))


def _checks(checks: tuple[str, ...]) -> Markup:
    if not checks:
        return join()
    return element("ul", *(element("li", prose(check)) for check in checks), class_="checks")


def _attempts(attempts: tuple[Attempt, ...]) -> Markup:
    if not attempts:
        return join()
    return element("ul", *map(_attempt, attempts), class_="attempts")


def _attempt(attempt: Attempt) -> Markup:
    error = element("code", attempt.error)
    return element("li", prose(attempt.what), " ", element("em", f"Refused by {attempt.refused_by}:"), error)


def _sources(step: Step) -> Markup:
    standards = "; ".join(f"{source.standard}, {source.section}" for source in step.sources)
    pages = "; ".join(f"docs/spec/{page.file}#{page.anchor}" for page in step.pages)
    return element("p", f"Specified in {standards}. Ours: {pages}.", class_="sources")

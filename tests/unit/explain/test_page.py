import itertools
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from entrenous.explain import Explanation, html_page
from entrenous.explain.model import Attempt, Chapter, Knower, Page, Source, Step, Value
from entrenous.explain.page.markup import Markup, element, join, void

#: Elements of HTML that have no end.
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Outline(HTMLParser):
    """What a browser would build, and whether it is well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="session")
def page(explanation: Explanation) -> str:
    return html_page(explanation)


@pytest.fixture(scope="session")
def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    return parsed


def test_the_page_is_well_formed(outline: Outline) -> None:
    assert outline.open == []


def test_the_page_asks_nobody_for_anything(page: str, outline: Outline) -> None:
    tags = {tag for tag, _ in outline.seen}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "audio", "video"}
    for tag, attributes in outline.seen:
        assert not {"src", "srcset", "data", "action", "onclick", "onload", "style"} & attributes.keys(), tag
        link = attributes.get("href")
        assert link is None or link.startswith("#"), link
    assert set(re.findall(r"https?://[^\"'\s<]*", page)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in page
    assert "url(" not in page


def test_links_lead_to_what_is_there_and_no_id_is_given_twice(outline: Outline) -> None:
    ids = [attributes["id"] for _, attributes in outline.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(attributes["href"]) for _, attributes in outline.seen if "href" in attributes]
    assert links
    assert {link[1:] for link in links} <= set(ids)


def test_every_picture_is_good_xml_and_says_what_it_shows(page: str) -> None:
    pictures = re.findall(r"<svg (?!class=.badge).*?</svg>", page, re.DOTALL)
    assert len(pictures) >= 7
    for picture in pictures:
        root = ET.fromstring(picture)  # noqa: S314 our own text
        name = "{http://www.w3.org/2000/svg}"
        title, description = root.find(f"{name}title"), root.find(f"{name}desc")
        assert title is not None
        assert title.text
        assert description is not None
        assert description.text
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_who_knows_a_value_is_told_without_colours_too(page: str) -> None:
    badges = set(re.findall(r'<svg class="badge".*?</svg>', page, re.DOTALL))
    assert len(badges) == len(Knower)
    shapes = set()
    for badge in badges:
        root = ET.fromstring(badge)  # noqa: S314 our own text
        letter = root.find("{http://www.w3.org/2000/svg}text")
        assert letter is not None
        assert root.get("aria-label") in {knower.label for knower in Knower if knower.letter == letter.text}
        shapes.add(tuple((shape.tag, shape.get("points"), shape.get("r")) for shape in root if "class" in shape.attrib))
    assert len(shapes) == len(Knower)


def test_pictures_stay_inside_their_frame(page: str) -> None:
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        root = ET.fromstring(picture)  # noqa: S314 our own text
        _, _, width, height = map(float, str(root.get("viewBox")).split())
        for shape in root.iter():
            x, y = float(shape.get("x", 0)), float(shape.get("y", 0))
            right, bottom = x + float(shape.get("width", 0)), y + float(shape.get("height", 0))
            if shape is not root:
                assert 0 <= x <= width
                assert 0 <= y <= height
                assert right <= width + 0.5
                assert bottom <= height


def test_headings_go_down_by_one(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.seen if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_step_and_every_whole_value_is_on_the_page(explanation: Explanation, page: str) -> None:
    for told in explanation.steps():
        assert f'id="s{told.number.replace(".", "-")}"' in page
        for value in told.step.values:
            if isinstance(value.data, bytes):
                assert value.data.hex() in page, (told.number, value.name)


def test_everything_is_escaped() -> None:
    evil = "<script>alert('\"&')</script>"
    step = Step(
        evil, evil, evil, evil, (Value(evil, evil, tuple(Knower), evil),), (Source(evil, evil),), (Page(evil, evil),),
        (evil,), (Attempt(evil, evil, evil),),
    )  # fmt: skip
    page = html_page(Explanation(evil, (Chapter("x", evil, evil, (step,)),), (1,)))
    parsed = Outline()
    parsed.feed(page)
    assert parsed.open == []
    assert "script" not in {tag for tag, _ in parsed.seen}
    assert "".join(parsed.words).count(evil) >= 12


def test_markup_escapes_text_and_attributes_once() -> None:
    assert element("p", "a < b", Markup("<b>c</b>"), class_='"x"') == ('<p class="&quot;x&quot;">a &lt; b<b>c</b></p>')
    assert void("line", stroke_width=1.5) == '<line stroke-width="1.5" />'
    assert join("&", join("&")) == "&amp;&amp;"

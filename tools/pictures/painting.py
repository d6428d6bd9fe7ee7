"""Paints scenes with Pillow: a dark terminal's colours, one font."""

import functools

from PIL import Image, ImageDraw, ImageFont

from pictures.errors import PictureError
from pictures.places import BAR, CAPTION, CELL_HEIGHT, CELL_WIDTH, FONT_SIZE, GAP, PADDING, Layout, Place
from pictures.views import Pane, Row, Scene, Style

_COLOURS = {
    "page": "#0b0e14",
    "pane": "#141922",
    "default": "#d7dce4",
    "black": "#8b949e",  # what is bold and black is grey on terminals: hints
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",  # what terminals call yellow
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#d7dce4",
    "brightblack": "#8b949e",
    "bar": "#8b949e",
    "caption": "#ffffff",
    "ciphertext": "#d2a8ff",
    "alice": "#2f81c7",
    "bob": "#b3671b",
    "server": "#7d4cc9",
    "idle": "#2a3140",
    "title": "#ffffff",
}
#: Behind what is reversed, and the cursor.
_REVERSED = "#3a4557"
_FONTS = {False: "DejaVuSansMono.ttf", True: "DejaVuSansMono-Bold.ttf"}


def paint(scene: Scene, layout: Layout) -> Image.Image:
    """The whole picture.

    Raises:
        PictureError: the font is not installed.
    """
    image = Image.new("RGB", (layout.width, layout.height), _COLOURS["page"])
    if scene.caption:
        _write(ImageDraw.Draw(image), (GAP + PADDING, (CAPTION - FONT_SIZE) // 2 - 2), scene.caption, "caption")
    for pane, place in zip(scene.panes, layout.places, strict=True):
        _paint_pane(image, pane, place)
    return image


def _paint_pane(image: Image.Image, pane: Pane, place: Place) -> None:
    draw = ImageDraw.Draw(image)
    right, bottom = place.left + place.width - 1, place.top + place.height - 1
    draw.rectangle((place.left, place.top, right, bottom), _COLOURS["pane"])
    draw.rectangle((place.left, place.top, right, place.top + BAR - 1), _COLOURS[pane.owner])
    _write(draw, (place.left + PADDING, place.top + (BAR - FONT_SIZE) // 2 - 2), pane.title, "title")
    left, top = place.left + PADDING, place.top + BAR + PADDING
    for number, row in enumerate(pane.rows[: place.rows]):
        image.paste(_painted_row(row, place.columns), (left, top + number * CELL_HEIGHT))
    if pane.cursor is not None:
        column, number = pane.cursor
        corner = (left + min(column, place.columns - 1) * CELL_WIDTH, top + number * CELL_HEIGHT + 1)
        draw.rectangle((*corner, corner[0] + CELL_WIDTH - 2, corner[1] + CELL_HEIGHT - 3), _COLOURS["default"])


@functools.lru_cache(maxsize=4096)
def _painted_row(row: Row, columns: int) -> Image.Image:
    image = Image.new("RGB", (columns * CELL_WIDTH, CELL_HEIGHT), _COLOURS["pane"])
    draw = ImageDraw.Draw(image)
    column = 0
    for span in row:
        for character in span.text:
            _put(draw, column, character, span.style)
            column += 1
    return image


def _put(draw: ImageDraw.ImageDraw, column: int, character: str, style: Style) -> None:
    left = column * CELL_WIDTH
    if style.is_reversed:
        draw.rectangle((left, 0, left + CELL_WIDTH - 1, CELL_HEIGHT - 1), _REVERSED)
    colour = style.colour if style.colour in _COLOURS else "default"
    draw.text((left, 0), character, _COLOURS[colour], _font(style.is_bold))


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, colour: str) -> None:
    draw.text(corner, text, _COLOURS[colour], _font(is_bold=True))


@functools.cache
def _font(is_bold: bool) -> ImageFont.FreeTypeFont:  # noqa: FBT001 the key of a cache
    try:
        return ImageFont.truetype(_FONTS[is_bold], FONT_SIZE)
    except OSError:
        raise PictureError("the font DejaVu Sans Mono is missing; Debian has it in fonts-dejavu-core") from None

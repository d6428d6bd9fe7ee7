"""Paints a film and writes it as a GIF."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from pictures.frames import Frame, cut
from pictures.painting import paint
from pictures.places import Layout

#: Colours of the whole film: a few, each in the shades between it and what is behind it.
_COLOURS = 96
#: Of how many frames the colours are taken.
_SAMPLES = 8


def write_gif(frames: Sequence[Frame], layout: Layout, file: Path) -> None:
    """Paint a film that begins again when it ends; all frames have the same colours, so each holds what changed.

    Raises:
        PictureError: the font is not installed.
    """
    frames = cut(frames)
    palette = _palette(frames, layout)
    images = [paint(frame.scene, layout).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    images[0].save(
        file,
        save_all=True,
        append_images=images[1:],
        duration=[frame.milliseconds for frame in frames],
        loop=0,
        disposal=1,
    )


def _palette(frames: Sequence[Frame], layout: Layout) -> Image.Image:
    step = max(1, len(frames) // _SAMPLES)
    samples = [*frames[step - 1 :: step], frames[-1]]
    tall = Image.new("RGB", (layout.width, layout.height * len(samples)))
    for number, frame in enumerate(samples):
        tall.paste(paint(frame.scene, layout), (0, number * layout.height))
    return tall.quantize(_COLOURS, dither=Image.Dither.NONE)

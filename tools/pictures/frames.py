"""A film before it is painted: scenes one after another, each seen for a time that the script names."""

from collections.abc import Sequence
from dataclasses import dataclass

from pictures.views import Scene


@dataclass(frozen=True, slots=True)
class Frame:
    """One scene and how long it is seen, in milliseconds."""

    scene: Scene
    milliseconds: int


def cut(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """The same film without frames that look like the one before them: that one is seen longer."""
    kept: list[Frame] = []
    for frame in frames:
        if kept and kept[-1].scene == frame.scene:
            kept[-1] = Frame(frame.scene, kept[-1].milliseconds + frame.milliseconds)
        else:
            kept.append(frame)
    return tuple(kept)

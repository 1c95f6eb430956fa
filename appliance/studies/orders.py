"""What someone asks for when they submit pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """What was asked for: an organ, and whether to take the time for the careful mode.

    `pixel_mm` is the side of a pixel, and `slice_mm` the distance of neighbouring slices, where they are known. A
    `sample` is a phantom that the box drew.
    """

    organ: str
    careful: bool = False
    pixel_mm: float | None = None
    slice_mm: float | None = None
    sample: bool = False

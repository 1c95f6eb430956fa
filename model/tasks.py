"""What each organ's task is: its labels, their Chinese names and colours. No torch here."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Label:
    """One class of a mask. `index` is its value in the mask PNG, `colour` is #RRGGBB."""

    index: int
    name: str
    name_zh: str
    colour: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as 0…255 red, green, blue."""
        value = int(self.colour[1:], 16)
        return value >> 16, value >> 8 & 255, value & 255


@dataclass(frozen=True)
class Task:
    """One organ's segmentation. `labels` leaves the background (index 0) out.

    `nested`: each label lies inside the one before it, as a lesion lies in the liver. Labels are learned as
    regions that may overlap, one probability each; `nested` says how they become one mask.
    `organs` names the labels that are organs, of one or two large parts: islands beside them are taken for errors.
    """

    organ: str
    name_zh: str
    image_zh: str
    labels: tuple[Label, ...]
    nested: bool = False
    organs: tuple[str, ...] = ()

    def region(self, mask: np.ndarray, label: Label) -> np.ndarray:
        """Where a mask of label indices marks a label, bool (H, W); what lies inside a nested one belongs to it."""
        return mask >= label.index if self.nested else mask == label.index


TASKS = {
    task.organ: task
    for task in (
        Task("retina", "眼底血管", "眼底彩照", (Label(1, "vessel", "血管", "#00E5A8"),)),
        Task(
            "chest",
            "肺与心脏",
            "胸部 X 光片",
            (Label(2, "lung", "肺", "#3DA9FC"), Label(3, "heart", "心脏", "#F25F4C")),
            organs=("lung", "heart"),
        ),
        Task(
            "liver",
            "肝脏与病灶",
            "腹部 CT",
            (Label(1, "liver", "肝脏", "#E0A458"), Label(2, "lesion", "疑似病灶", "#D7263D")),
            nested=True,
            organs=("liver",),
        ),
    )
}

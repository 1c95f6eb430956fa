"""A release marks what a data set leaves unmarked, so that its pictures teach that label as well. No torch here.

Only JSRT has its hearts drawn. A release trained on those marks the hearts of other hospitals' films, and the next one
learns from both, with pictures bent harder than any that the teacher was asked about (Xie et al. 2020,
arXiv:1911.04252). What the teacher itself is little sure of stays unmarked.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from model import release as releases
from model.confidence import judge
from model.datasets import Sample
from model.inference import Segmenter

_segmenter: Segmenter


def taught(samples: list[Sample], folder: Path) -> list[Sample]:
    """`samples`, with the labels that are not `known` marked by the release in `folder`, where it is sure of them.

    Raises ReleaseError. The release runs in a process of its own: OpenVINO and torch at work in one were seen to
    damage the heap.
    """
    release = releases.load(folder)
    unmarked = [index for index, sample in enumerate(samples) if not all(sample.known)]
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_open, initargs=(release,)) as pool:
        marked = dict(zip(unmarked, pool.map(_mark, [samples[index] for index in unmarked]), strict=True))
    return [marked.get(index, sample) for index, sample in enumerate(samples)]


def _open(release: releases.Release) -> None:
    global _segmenter
    _segmenter = Segmenter.open(release, "cpu", threads=1)


def _mark(sample: Sample) -> Sample:
    release, answer = _segmenter.release, _segmenter.segment(sample.image)
    regions, known = sample.regions.copy(), list(sample.known)
    for plane, label in enumerate(release.labels):
        expected = answer.confidence.expected_dice.get(label.name)
        if known[plane] or expected is None or judge({label.name: expected}, release.confidence).level == "low":
            continue
        regions[..., plane] = answer.mask == label.index
        known[plane] = True
    return replace(sample, regions=regions.astype(np.uint8), known=tuple(known))

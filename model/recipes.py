"""What each release is trained on and how: facts that training, export and judging share. No torch here."""

from dataclasses import dataclass

from model.augment import Augment
from model.preprocess import FundusPreprocess, GreyPreprocess, Preprocess


@dataclass(frozen=True)
class Recipe:
    """`datasets` with the `part` of their patients that is trained on; `patch` pixels a side, `batch` patches a step;
    the network's `depth`."""

    datasets: tuple[str, ...]
    preprocess: Preprocess
    augment: Augment
    part: str = "train"
    batch: int = 8
    patch: int = 256
    depth: int = 4


# Films and slices are never mirrored: all show the patient's right on the left, and the side is what tells the heart,
# and the liver from it. The gate warns of a mirrored one.
_UPRIGHT = Augment(angle=12, scale=0.2, shift=0.06, stretch=0.08, perspective=0.1, elastic_px=2, flips="", photo=0.15)

# "benchmark" is trained on the benchmark's training set alone, for the table beside the peers; "field" on all that is
# allowed, with harder pictures, and is what users are served. The liver has no such benchmark here: field only.
RECIPES: dict[tuple[str, str], Recipe] = {
    ("retina", "benchmark"): Recipe(("drive-train",), FundusPreprocess(), Augment()),
    ("retina", "field"): Recipe(
        ("drive-train", "stare", "chasedb1"), FundusPreprocess(), Augment(scale=0.25, photo=0.1), part="all"
    ),
    ("chest", "benchmark"): Recipe(("jsrt",), GreyPreprocess(local=0.05), _UPRIGHT, depth=5),
    ("chest", "field"): Recipe(("jsrt", "shenzhen"), GreyPreprocess(local=0.05), _UPRIGHT, depth=5),
    ("liver", "field"): Recipe(("lits", "msd"), GreyPreprocess(), _UPRIGHT, depth=5),
}

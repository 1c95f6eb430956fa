"""Look at a release: `python -m model.sheet --organ chest --data DIR --out runs/chest.png`.

The best, the median and the worst images of each data set, as judged in the release's record, with the manual outline
in green and the release's own in red. The data's terms forbid publishing the sheet: keep it in an ignored folder.
"""

from pathlib import Path

import click
import cv2
import numpy as np

from model import release
from model.card import read_record
from model.datasets import Sample, labels_of, load
from model.inference import Segmenter
from model.tasks import TASKS

TILE_PX = 360
TRUE_RGB, MARKED_RGB = (80, 230, 80), (255, 70, 70)


def tile(sample: Sample, mask: np.ndarray, title: str) -> np.ndarray:
    """uint8 (TILE_PX, TILE_PX, 3): the picture with both outlines, and its title."""
    picture = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
    ratio = TILE_PX / max(mask.shape)
    size = round(mask.shape[1] * ratio), round(mask.shape[0] * ratio)
    picture[: size[1], : size[0]] = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA)
    for labels, colour in ((labels_of(sample), TRUE_RGB), (mask, MARKED_RGB)):
        small = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
        for index in np.unique(small[small > 0]):
            contours, _ = cv2.findContours((small == index).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, contours, -1, colour, 1)
    cv2.putText(picture, title, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1, cv2.LINE_AA)
    return picture


def chosen(scores: dict[str, float], count: int) -> list[tuple[str, str]]:
    """(word, name) of the `count` best, median and worst images by Dice."""
    order = sorted(scores, key=lambda name: -scores[name])
    middle = max(0, (len(order) - count) // 2)
    rows = (("best", order[:count]), ("median", order[middle : middle + count]), ("worst", order[-count:]))
    return [(word, name) for word, names in rows for name in names]


@click.command()
@click.option("--organ", type=click.Choice(list(TASKS)), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
@click.option("--release", "folder", type=click.Path(path_type=Path), help="default: the organ's newest")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="picture to write, in an ignored folder")
@click.option("--count", default=4, show_default=True, help="images of each kind")
def main(organ: str, data: Path, folder: Path | None, out: Path, count: int) -> None:
    """Draw the contact sheet."""
    folder = folder or release.newest(organ)
    if folder is None:
        raise click.ClickException(f"no release for {organ}")
    segmenter = Segmenter.open(release.load(folder), "cpu")
    rows = []
    for dataset, judged in read_record(folder)["datasets"].items():
        samples = {sample.name: sample for sample in load(data, (dataset,))}
        scores = {
            name: float(np.mean([row["dice"] for row in labels.values()]))
            for name, labels in judged["each"].items()
            if labels
        }
        tiles = [
            tile(samples[name], segmenter.segment(samples[name].image).mask, f"{word} {name} {scores[name]:.3f}")
            for word, name in chosen(scores, count)
        ]
        rows += [np.hstack(tiles[at : at + count]) for at in range(0, len(tiles), count)]
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), np.vstack(rows)[..., ::-1])
    click.echo(out)


if __name__ == "__main__":
    main()

"""Train and judge the gate: `python -m model.gate.train --data DIR --photos DIR --strangers DIR`.

It learns fundus photos, films and slices from the training parts of the data sets, as they are and as phones see
them; and what is none of these from photographs (`--photos`, any folder of them), drawn pages, screens and patterns.
A film or a slice that is turned or a negative is none of them either, and a mirrored one is only half of one: its
network was taught where the heart and the liver lie. It is judged on patients kept apart, as they are, turned and
mirrored, on cameras never shown (STARE), and on `--strangers`: pictures of things that it never saw.
"""

import json
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn
from tqdm import tqdm

from model import release
from model.augment import expose, photograph
from model.datasets import load
from model.gate import RECORD, SIDE_PX, WEIGHTS, likeness, thumbnail
from model.tasks import TASKS

TRAINED_ON = {
    "retina": ("drive-train", "chasedb1"),
    "chest": ("jsrt", "shenzhen"),
    "liver": ("lits", "msd"),
}
KEPT_APART = {"retina": ("drive-test", "stare"), "chest": ("jsrt", "shenzhen"), "liver": ("lits", "msd")}
CUTOFFS = {"refuse": 0.05, "doubt": 0.5}
UPRIGHT = ("chest", "liver")  # an eye may lie on any side
MIRRORED = 0.1  # how much like a film a mirrored one is: doubtful, for some people's hearts do lie on the right
REDUCED_PX = 192


def network() -> nn.Module:
    """(N, 3, SIDE_PX, SIDE_PX) → a logit for each organ; 48 thousand parameters."""

    def block(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

    layers = [*block(3, 16), *block(16, 32), *block(32, 48), *block(48, 64)]
    side = SIDE_PX // 16
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.AvgPool2d(side // 2), nn.Flatten(), nn.Linear(256, len(TASKS)))


def reduced(image: np.ndarray) -> np.ndarray:
    """A smaller copy: the gate sees thumbnails, and thousands of full pictures would not fit the memory."""
    ratio = min(1.0, REDUCED_PX / max(image.shape[:2]))
    return image if ratio == 1 else cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)


def pictures(folder: Path) -> list[np.ndarray]:
    """All pictures below a folder that Pillow reads, reduced. Raises click.ClickException when there is none."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.suffix.lower() in (".jpg", ".png", ".webp", ".tif")):
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * REDUCED_PX, 2 * REDUCED_PX))
            found.append(reduced(np.asarray(picture.convert("RGB"))))
    if not found:
        raise click.ClickException(f"no pictures below {folder}")
    return found


def drawn(random: np.random.Generator) -> np.ndarray:
    """A blank, a gradient, noise, a page of text, a screen with windows, or shapes: uint8 (H, W, 3)."""
    height, width = (int(side) for side in random.integers(160, 400, 2))
    ground = np.full((height, width, 3), random.integers(0, 256, 3 if random.random() < 0.5 else 1), np.uint8)
    kind = random.integers(6)
    if kind == 1:
        ends = random.integers(0, 256, (2, 3))
        share = np.linspace(0, 1, height)[:, None, None]
        ground = (ends[0] * (1 - share) + ends[1] * share).repeat(width, axis=1).astype(np.uint8)
    elif kind == 2:
        coarse = random.integers(0, 256, (*random.integers(2, 60, 2), random.choice([1, 3])), dtype=np.uint8)
        ground = np.atleast_3d(cv2.resize(coarse, (width, height), interpolation=random.choice([0, 1])))
        ground = ground if ground.shape[2] == 3 else ground.repeat(3, axis=2)
    elif kind == 3:
        ink = tuple(int(v) for v in 255 - ground[0, 0].astype(int))
        for y in range(20, height, int(random.integers(10, 24))):
            text = "".join(chr(random.integers(33, 126)) for _ in range(int(random.integers(5, 60))))
            cv2.putText(ground, text, (int(random.integers(4, 40)), y), 0, float(random.uniform(0.3, 0.6)), ink, 1)
    elif kind >= 4:
        for _ in range(int(random.integers(2, 25))):
            colour = tuple(int(v) for v in random.integers(0, 256, 3))
            x, y, w, h = (int(v) for v in random.integers(0, [width, height, width, height]))
            if kind == 4:
                cv2.rectangle(ground, (x, y), (x + w // 2, y + h // 3), colour, int(random.choice([-1, 1, 2])))
            else:
                cv2.ellipse(ground, (x, y), (1 + w // 4, 1 + h // 4), 30, 0, 360, colour, int(random.choice([-1, 2])))
    return ground


def changed(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As another camera, phone, hand or export would give it; framed as in a screenshot now and then."""
    height, width = image.shape[:2]
    top, bottom = (int(v * height) for v in random.uniform(0, 0.1, 2))
    left, right = (int(v * width) for v in random.uniform(0, 0.1, 2))
    image = image[top : height - bottom, left : width - right]
    if random.random() < 0.25:
        top, bottom, left, right = (int(v) for v in random.uniform(0, 0.15, 4) * min(image.shape[:2]))
        frame = [float(random.choice([0, 255, 40]))] * 3
        image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=frame)
    image = np.ascontiguousarray(image)
    if random.random() < 0.3:
        image = photograph(image, random)
    return expose(image, random) if random.random() < 0.6 else image


class Mixture:
    """Draws training thumbnails: half of them of one of the organs, half of something else."""

    def __init__(self, data: Path, photos: Path, seed: int):
        self.random = np.random.default_rng(seed)
        self.organs = {
            organ: [reduced(sample.image) for name in names for sample in load(data, (name,), _part(name))]
            for organ, names in TRAINED_ON.items()
        }
        self.photos = pictures(photos)

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [self._row() for _ in range(size)]
        images, targets = zip(*rows, strict=True)
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(targets))

    def _row(self) -> tuple[np.ndarray, np.ndarray]:
        target = np.zeros(len(TASKS), np.float32)
        if self.random.random() < 0.5:
            index = int(self.random.integers(len(TASKS)))
            organ = list(TASKS)[index]
            image, target[index] = self._held(self._any(self.organs[organ]), organ)
            if self.random.random() < 0.1:  # a red-free or a grey print of a fundus photo is one still
                image = image[..., 1:2].repeat(3, axis=2)
        elif self.random.random() < 0.3:
            image = drawn(self.random)
        else:
            image = self._part_of(self._any(self.photos))
            if self.random.random() < 0.3:
                image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2)
        return thumbnail(changed(image, self.random)), target

    def _held(self, image: np.ndarray, organ: str) -> tuple[np.ndarray, float]:
        """A picture as a hand may hold it, and how much it is then what the organ's network was made for."""
        kind = self.random.choice(["upright", "mirrored", "turned", "negative"], p=[0.5, 0.15, 0.25, 0.1])
        if organ not in UPRIGHT:
            turned = np.rot90(image, int(self.random.integers(4)))
            return (turned[:, ::-1] if kind == "mirrored" else turned), 1.0
        if kind == "turned":
            turned = np.rot90(image, int(self.random.integers(1, 4)))
            return (turned[:, ::-1] if self.random.random() < 0.3 else turned), 0.0
        if kind == "negative":
            return 255 - image, 0.0
        return (image[:, ::-1], MIRRORED) if kind == "mirrored" else (image, 1.0)

    def _any(self, images: list[np.ndarray]) -> np.ndarray:
        return images[int(self.random.integers(len(images)))]

    def _part_of(self, photo: np.ndarray) -> np.ndarray:
        """A crop of a photograph; now and then as a disc on black, as a fundus photo is."""
        height, width = photo.shape[:2]
        side = int(min(height, width) * self.random.uniform(0.3, 1.0))
        y, x = int(self.random.integers(height - side + 1)), int(self.random.integers(width - side + 1))
        crop = photo[y : y + side, x : x + side].copy()
        if self.random.random() < 0.25:
            disc = np.zeros((side, side), np.uint8)
            cv2.circle(disc, (side // 2, side // 2), int(side * self.random.uniform(0.4, 0.52)), 1, -1)
            crop *= disc[..., None]
        return crop


def train(mixture: Mixture, steps: int) -> nn.Module:
    """The trained network, in evaluation mode."""
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in tqdm(range(steps), mininterval=5):
        images, targets = mixture.batch(48)
        loss = nn.functional.binary_cross_entropy_with_logits(net(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


def judge(data: Path, strangers: Path) -> dict:
    """AUROC of each organ's likeness, own pictures kept apart against all others; and what the cutoffs do."""
    own = {
        organ: {name: [reduced(s.image) for s in load(data, (name,), _part(name, "test"))] for name in names}
        for organ, names in KEPT_APART.items()
    }
    strange = [likeness(image) for image in pictures(strangers)]
    alike = {
        o: {name: [likeness(image) for image in images] for name, images in sets.items()} for o, sets in own.items()
    }
    verdict: dict = {}
    for organ, sets in alike.items():
        good = [each[organ] for rows in sets.values() for each in rows]
        others = [row[organ] for o, s in alike.items() if o != organ for rows in s.values() for row in rows]
        bad = [each[organ] for each in strange]
        truth = [1] * len(good) + [0] * (len(others) + len(bad))
        verdict[organ] = {
            "auroc": round(float(roc_auc_score(truth, good + others + bad)), 4),
            "good": {name: _shares([row[organ] for row in rows]) for name, rows in sets.items()},
            "other_organs": _shares(others),
            "strangers": _shares(bad),
        }
        if organ in UPRIGHT:
            images = [image for images in own[organ].values() for image in images]
            verdict[organ] |= {
                "turned": _shares([likeness(np.rot90(image, k))[organ] for image in images for k in (1, 2, 3)]),
                "mirrored": _shares([likeness(image[:, ::-1])[organ] for image in images]),
            }
    return verdict


def _shares(values: list[float]) -> dict[str, float]:
    low, middle = CUTOFFS["refuse"], CUTOFFS["doubt"]
    refused = float(np.mean([value < low for value in values]))
    doubted = float(np.mean([low <= value < middle for value in values]))
    return {"n": len(values), "refused": round(refused, 4), "doubted": round(doubted, 4)}


def _part(name: str, part: str = "train") -> str:
    """Of a retinal set all patients are one part; of the others each fifth patient is kept apart."""
    return part if name in ("jsrt", "shenzhen", "lits", "msd") else "all"


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="folder of the data sets")
@click.option("--photos", type=click.Path(exists=True, path_type=Path), required=True, help="photographs to learn from")
@click.option("--strangers", type=click.Path(exists=True, path_type=Path), required=True, help="pictures to judge with")
@click.option("--steps", default=1200, show_default=True)
@click.option("--terms", required=True, help="where the photographs come from and their terms, for the record")
@click.option("--strange-terms", required=True, help="the same of the strangers")
def main(data: Path, photos: Path, strangers: Path, steps: int, terms: str, strange_terms: str) -> None:
    """Train, export and judge the gate; writes gate.onnx and gate.json beside this file."""
    torch.manual_seed(1)
    cv2.setNumThreads(1)
    net = train(Mixture(data, photos, seed=1), steps)
    torch.onnx.export(
        nn.Sequential(net, nn.Sigmoid()),
        (torch.zeros(1, 3, SIDE_PX, SIDE_PX),),
        str(WEIGHTS),
        input_names=["image"],
        dynamo=False,
    )
    record = {
        "cutoffs": CUTOFFS,
        "training": {"data": TRAINED_ON, "photographs": terms, "steps": steps, "seed": 1},
        "strangers": strange_terms,
        "judged": judge(data, strangers),
        "sha256": release.sha256(WEIGHTS),
    }
    RECORD.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
    click.echo(json.dumps(record["judged"], indent=2))


if __name__ == "__main__":
    main()

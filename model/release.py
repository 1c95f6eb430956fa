"""Read and verify a release: an immutable folder of weights, labels, preprocessing, figures. No torch here."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from model import preprocess
from model.tasks import TASKS, Label

RELEASES = Path(__file__).parent / "releases"
MANIFEST = "release.json"
WEIGHTS = "model.onnx"
GOLDEN = "golden.npz"
INT8 = "model-int8.xml"  # its weights lie beside it, in model-int8.bin


class ReleaseError(Exception):
    """A release that must not be served, with the reason."""


@dataclass(frozen=True)
class Release:
    """What release.json says. `multiple`: the network's input is padded to a multiple of so many pixels.

    `thresholds` has one probability for each label; `flips` are the axes ("x", "y") along which the network was
    trained to see a picture mirrored, which the careful mode uses. `confidence` has each label's cutoffs
    (confidence.py), once the release has been judged; `careful_confidence` those of the careful mode, where a mean
    is expected to do a little worse than one pass and does a little better.
    """

    folder: Path
    name: str
    version: str
    organ: str
    labels: tuple[Label, ...]
    preprocess: preprocess.Preprocess
    multiple: int
    thresholds: tuple[float, ...]
    flips: str
    confidence: dict[str, tuple[float, float]]
    careful_confidence: dict[str, tuple[float, float]]
    metrics: dict
    training: dict
    files: dict[str, str]
    created_at: str

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS

    @property
    def int8(self) -> Path | None:
        """The quantised weights that the processor is served, when the release has them."""
        return self.folder / INT8 if INT8 in self.files else None

    @property
    def golden(self) -> Path:
        return self.folder / GOLDEN

    @property
    def sha256(self) -> str:
        """The hash of the weights: what was served, in one word."""
        return self.files[WEIGHTS]


def load(folder: Path, verify_hashes: bool = True) -> Release:
    """Read a release and verify each file's hash, and its labels against the task's. Raises ReleaseError.

    `verify_hashes` False is for telling what there is, never for serving it.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        release = _from_manifest(folder, manifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if release.organ not in TASKS:
        raise ReleaseError(f"{folder}: unknown organ {release.organ!r}")
    if release.labels != TASKS[release.organ].labels:
        raise ReleaseError(f"{folder}: its labels are not those of {release.organ}")
    for name in (WEIGHTS, GOLDEN):
        if name not in release.files:
            raise ReleaseError(f"{folder}: {name} is not in its list of files")
    for name, expected in release.files.items():
        if not (folder / name).is_file():
            raise ReleaseError(f"{folder / name} is missing")
        if verify_hashes and sha256(folder / name) != expected:
            raise ReleaseError(f"{folder / name} is damaged: its hash differs from release.json")
    return release


def newest(organ: str, releases: Path = RELEASES) -> Path | None:
    """The folder of the organ's newest release by version, or None when it has none; one with a suffix, such as
    "2.2.0-benchmark", is not for users."""
    folders = [path.parent for path in (releases / organ).glob(f"*/{MANIFEST}") if "-" not in path.parent.name]
    return max(folders, key=lambda folder: _version(folder.name), default=None)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_manifest(folder: Path, manifest: dict) -> Release:
    labels = tuple(
        Label(label["index"], label["name"], label["nameZh"], label["colour"]) for label in manifest["labels"]
    )
    return Release(
        folder=folder,
        name=manifest["name"],
        version=manifest["version"],
        organ=manifest["organ"],
        labels=labels,
        preprocess=preprocess.from_dict(manifest["preprocess"]),
        multiple=int(manifest["input"]["multiple"]),
        thresholds=tuple(float(manifest["threshold"][label.name]) for label in labels),
        flips=manifest["flips"],
        confidence=_cutoffs(manifest["confidence"]),
        careful_confidence=_cutoffs(manifest.get("carefulConfidence", manifest["confidence"])),
        metrics=manifest["metrics"],
        training=manifest["training"],
        files=manifest["files"],
        created_at=manifest["createdAt"],
    )


def _cutoffs(of_labels: dict[str, list[float]]) -> dict[str, tuple[float, float]]:
    return {label: (float(low), float(high)) for label, (low, high) in of_labels.items()}


def _version(text: str) -> tuple[int, ...]:
    """ "1.10.0" sorts after "1.9.0"; anything that is no number sorts first."""
    return tuple(int(part) if part.isdigit() else -1 for part in text.split("."))

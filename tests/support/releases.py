"""Archives of releases for tests, made of the one that came with the box."""

import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np

from model import card, release

MANIFEST = "release.json"


def candidate(folder: Path, version: str = "9.0.0", **facts: object) -> Path:
    """A sealed copy of the retina's release under another version."""
    built_in = release.newest("retina")
    assert built_in is not None
    target = folder / f"retina-{version}"
    shutil.copytree(built_in, target)
    card.seal(target, version=version, **facts)
    return target


def drifting(folder: Path, version: str = "9.0.0") -> Path:
    """Sealed and sound by its hashes, but its golden sample is not what its network answers."""
    target = candidate(folder, version)
    with np.load(target / "golden.npz") as golden:
        image, mask = golden["image"], golden["mask"]
    np.savez_compressed(target / "golden.npz", image=image, mask=np.roll(mask, 40, axis=0))
    card.seal(target)
    return target


def zipped(folder: Path, inside: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, inside + path.name)
    return buffer.getvalue()


def tarred(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, folder.name)
    return buffer.getvalue()


def edited(folder: Path, **facts: object) -> Path:
    """Change what release.json says, hashes left as they are."""
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **facts}), "utf-8")
    return folder

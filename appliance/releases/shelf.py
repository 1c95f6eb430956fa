"""Where releases lie: those that came with the box, and those that were uploaded into the data folder."""

import shutil
from pathlib import Path

from appliance.errors import NotFound
from model.release import MANIFEST, RELEASES
from model.tasks import TASKS


class ReleaseNotFound(NotFound):
    code, message = "release_not_found", "找不到这个模型版本。"


def built_in(organ: str) -> list[Path]:
    """Folders of the organ's releases in the package."""
    return _folders(RELEASES, organ)


def uploaded(releases_dir: Path, organ: str) -> list[Path]:
    """Folders of the organ's releases in the data folder."""
    return _folders(releases_dir, organ)


def find(releases_dir: Path, organ: str, version: str) -> Path:
    """The folder of one release. Raises ReleaseNotFound."""
    for folder in built_in(organ) + uploaded(releases_dir, organ):
        if folder.name == version:
            return folder
    raise ReleaseNotFound()


def put(releases_dir: Path, scratch: Path, organ: str, version: str) -> None:
    """Move an unpacked release to its place, in one rename, instead of what a crash may have left there."""
    target = releases_dir / organ / version
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)


def _folders(root: Path, organ: str) -> list[Path]:
    if organ not in TASKS:  # whatever a request says: no path is made of it
        return []
    return sorted(path.parent for path in (root / organ).glob(f"*/{MANIFEST}"))

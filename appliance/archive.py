"""The archive of a backup: a tar of the database, the files by their hash, and a manifest that names every hash.

Read and written as a stream, so that it can pass through encryption and no plain copy ever lies on a stick.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from pathlib import Path
from typing import IO

from appliance.clock import utc_now
from appliance.settings import Settings

MANIFEST, DATABASE, CONFIG = "manifest.json", "xiangyi.db", "xiangyi.toml"
_FILE = re.compile(r"files/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_PIECE_BYTES = 1024 * 1024
_NOWHERE = Path(os.devnull)


class BackupError(Exception):
    """An archive that cannot be written or must not be restored, and why."""


def write(settings: Settings, database: Path, file: IO[bytes]) -> int:
    """Write the archive of `database` (a copy that nobody changes) and all stored files; returns how many it holds."""
    hashes: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w|") as tar:

        def add(name: str, path: Path) -> None:
            with path.open("rb") as content:
                hashes[name] = hashlib.file_digest(content, "sha256").hexdigest()
            tar.add(path, name)

        add(DATABASE, database)
        if (settings.data_dir / CONFIG).exists():
            add(CONFIG, settings.data_dir / CONFIG)
        for path in sorted(settings.files_dir.glob("[0-9a-f][0-9a-f]/*")):
            add(f"files/{path.parent.name}/{path.name}", path)
        manifest = json.dumps({"createdAt": utc_now(), "files": hashes}).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))
    return len(hashes)


def unpack(file: IO[bytes], folder: Path, files_too: bool = True) -> dict[str, str]:
    """Read every byte, compare it with the manifest, and write it below `folder`; returns name → sha256.

    Without `files_too` only the database is written. Raises BackupError for what is damaged or foreign; what was
    written by then is the caller's to remove.
    """
    hashes: dict[str, str] = {}
    manifest: dict | None = None
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or not _is_ours(member.name):
                    raise BackupError(f"不是乡医的备份：其中有 {member.name}。")
                if member.name == MANIFEST:
                    manifest = json.load(content)
                else:
                    kept = files_too or member.name == DATABASE
                    hashes[member.name] = _take(content, folder / member.name if kept else _NOWHERE)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise BackupError(f"已损坏，不能恢复：{error}") from error
    if manifest is None or manifest.get("files") != hashes:
        raise BackupError("不完整或已损坏，不能恢复。")
    return hashes


def _take(content: IO[bytes], target: Path) -> str:
    """Hash a member and write it out: what a restore brings is what was hashed."""
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        while piece := content.read(_PIECE_BYTES):
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, DATABASE, CONFIG) or _FILE.fullmatch(name) is not None

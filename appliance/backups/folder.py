"""The folder of the backups: is what should be mounted there, is there room, and which old ones may go."""

import re
import shutil
from datetime import datetime
from pathlib import Path

from appliance.archive import BackupError
from appliance.encryption import SUFFIX
from appliance.settings import Settings

_NAME = re.compile(r"xiangyi-(\d{8}-\d{6})\.tar(\.age)?")
_TIME = "%Y%m%d-%H%M%S"
_SPARE_BYTES = 64 * 1024**2


def next_path(settings: Settings, now: datetime) -> Path:
    """Where the next backup goes; its name says when it was made and whether it is encrypted."""
    sealed = settings.backup.key_file or settings.backup.recipients
    return settings.backups_dir / f"xiangyi-{now.strftime(_TIME)}.tar{SUFFIX if sealed else ''}"


def make_ready(settings: Settings) -> None:
    """Make the folder, and remove what a power cut left half written. Raises BackupError when nothing may go there."""
    trouble = mount_trouble(settings)
    if trouble:
        raise BackupError(trouble)
    folder = settings.backups_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".xiangyi-*.tar*"):
            left.unlink(missing_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise BackupError(f"无法写入 {folder}：{error.strerror}。请检查磁盘是否接好、是否只读。") from error
    needed = _data_bytes(settings) + _SPARE_BYTES
    if free < needed:
        raise BackupError(
            f"{folder} 空间不足：这次备份约需 {needed / 1e9:.1f} GB，只剩 {free / 1e9:.1f} GB。"
            "请更换更大的磁盘，或减少保留份数（设置 backup.daily、backup.weekly）。"
        )


def mount_trouble(settings: Settings) -> str:
    """Why the folder must not be written to, or nothing: the disk or share that should be there is not."""
    mount = settings.backup.mount
    if mount is None:
        return ""
    if not settings.backups_dir.is_relative_to(mount):
        return f"设置有误：backup_dir（{settings.backups_dir}）不在 backup.mount（{mount}）之下。"
    if not mount.is_mount():
        return f"备份磁盘没有接好：{mount} 未挂载。请插好 U 盘或移动硬盘，或检查网络共享，然后重新备份。"
    return ""


def rotate(settings: Settings, made: Path) -> list[Path]:
    """Remove old backups and return them. The newest of each of the last days and weeks that have one stay.

    `made` is the one just made. What is dated later than it is left alone, and counts for nothing: either that date or
    the clock is wrong, and under a clock that is behind the one just made would be the oldest.
    """
    times = {path: datetime.strptime(found[1], _TIME) for path, found in _ours(settings.backups_dir)}
    dated = sorted(((at, path) for path, at in times.items() if at <= times[made]), reverse=True)
    days: dict[object, Path] = {}
    weeks: dict[object, Path] = {}
    for at, path in dated:
        days.setdefault(at.date(), path)
        weeks.setdefault(at.isocalendar()[:2], path)
    kept = {*list(days.values())[: settings.backup.daily], *list(weeks.values())[: settings.backup.weekly]}
    gone = [path for _, path in dated if path not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def _ours(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    return [(path, found) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))]


def _data_bytes(settings: Settings) -> int:
    files = sum(path.stat().st_size for path in settings.files_dir.glob("[0-9a-f][0-9a-f]/*"))
    return files + settings.database_path.stat().st_size

"""`xiangyi backup`, `backup-key` and `restore`."""

import logging
import sys
from pathlib import Path

import click
from pyrage.x25519 import Identity

from appliance import audit
from appliance.backup import BackupError, bring_back
from appliance.backups.services import BackupRunning, run_now, run_scheduled
from appliance.database import Database
from appliance.encryption import is_encrypted, make_key, own_key, read_key
from appliance.settings import Settings
from appliance.start import open_database

log = logging.getLogger(__name__)

SHEET = """\
————————————————————————————————
乡医 备份恢复密钥{hospital}

{groups}

公钥：{public}
换机或本机损坏后，恢复备份需要它；丢失后谁也打不开备份，包括厂家。
请打印本页，锁入保险柜；不要拍照，不要存放在备份盘上。
恢复：sudo xiangyi restore 备份文件（空格与大小写不限）
没有本机时：age --decrypt -i 密钥文件 备份文件 > xiangyi.tar
————————————————————————————————"""


def back_up_to(settings: Settings, file: Path, plain: bool) -> str:
    """Back up into one file; what to tell. Raises ClickException."""
    try:
        files = run_now(_database(settings), settings, file, plain)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    how = "已加密，" if is_encrypted(file) else ""
    return f"已备份 {files} 个文件到 {file}，{how}并已校验。"


def back_up_by_clock(settings: Settings) -> str:
    """The timer's backup: its failure is in the log, in the exit code, and by its row on the health page."""
    try:
        path = run_scheduled(_database(settings), settings)
    except (BackupError, BackupRunning, OSError) as error:
        log.error("scheduled backup failed: %s", error)
        raise click.ClickException(f"备份失败：{error}") from error
    return f"已备份到 {path}，并已恢复校验。"


def key_sheet(settings: Settings) -> str:
    """The sheet to print and lock away. Makes the key where there is none. Raises ClickException."""
    path = settings.backup.key_file
    if path is None:
        raise click.ClickException('请先在设置文件中写明密钥的位置：[backup] key_file = "/etc/xiangyi/backup.key"。')
    try:
        key = own_key(settings) or make_key(path)
    except (OSError, BackupError) as error:
        raise click.ClickException(f"密钥 {path} 无法读写：{error}") from error
    if settings.database_path.exists():
        open_database(settings).write(lambda db: audit.record(db, None, "backup.show_key", str(path), "terminal"))
    secret = str(key)
    groups = " ".join(secret[at : at + 6] for at in range(0, len(secret), 6))
    hospital = f"（{settings.hospital_name}）" if settings.hospital_name else ""
    return SHEET.format(hospital=hospital, groups=groups, public=key.to_public())


def restore_from(settings: Settings, file: Path, key_file: Path | None) -> str:
    """Bring back an archive; what to tell. Asks for the key when the box has none. Raises ClickException."""
    try:
        kept = bring_back(settings, file, _key(settings, file, key_file))
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    return "已恢复。" + (f"原来的数据保存在 {kept}。" if kept else "")


def _key(settings: Settings, file: Path, key_file: Path | None) -> Identity | None:
    if key_file is not None:
        return read_key(key_file.read_text())
    key = own_key(settings)
    if key is None and is_encrypted(file) and sys.stdin.isatty():
        return read_key(click.prompt("恢复密钥（纸上以 AGE-SECRET-KEY-1 开头的一行）", hide_input=True))
    return key


def _database(settings: Settings) -> Database:
    if not settings.database_path.exists():
        raise click.ClickException(f"没有可备份的数据：{settings.database_path} 不存在。")
    return open_database(settings)

"""Backups in the age format: to the box's key and to any other key that the settings name.

age is an open format with tools on every system: with the key on paper a backup can be read without this box, by
Debian's `age --decrypt`.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyrage
from pyrage.x25519 import Identity, Recipient

from appliance.archive import BackupError
from appliance.settings import Settings

MAGIC = b"age-encryption.org/v1\n"
SUFFIX = ".age"


def is_encrypted(archive: Path) -> bool:
    """Whether the file says that it is encrypted."""
    with archive.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def recipients(settings: Settings) -> list[Recipient]:
    """Whom a backup is encrypted to; empty: it is not encrypted. Raises BackupError for a key that cannot be used."""
    own = [settings.backup.key_file] if settings.backup.key_file else []
    try:
        others = [Recipient.from_str(each) for each in settings.backup.recipients]
    except pyrage.RecipientError as error:
        raise BackupError(f"设置 backup.recipients 中的公钥有误：{error}") from error
    return [read_key(path.read_text()).to_public() for path in own if _is_there(path)] + others


def read_key(text: str) -> Identity:
    """A secret key as it stands in a file or was typed from paper; blanks and case are nothing. Raises BackupError."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    try:
        return Identity.from_str("".join("".join(lines).split()).upper())
    except pyrage.IdentityError as error:
        raise BackupError("恢复密钥有误：应以 AGE-SECRET-KEY-1 开头，请逐字核对。") from error


def own_key(settings: Settings) -> Identity | None:
    """The box's key, or None when it has none."""
    path = settings.backup.key_file
    return read_key(path.read_text()) if path and path.exists() else None


def make_key(path: Path) -> Identity:
    """A new key in a file that only its owner reads; whole or not there, also when the power goes.

    Raises FileExistsError rather than lose a key.
    """
    key = Identity.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"# 乡医备份密钥；公钥 {key.to_public()}\n{key}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # as a rename, but never over another
    finally:
        temporary.unlink()
    return key


@contextmanager
def sealed(file: IO[bytes], to: list[Recipient]) -> Iterator[IO[bytes]]:
    """What is written into the stream arrives in `file`, encrypted. Errors of `file` are raised here as they are."""
    inlet, outlet = os.pipe()
    keeper = _Keeper(file)
    source = os.fdopen(inlet, "rb")
    thread = threading.Thread(target=keeper.run, args=(pyrage.encrypt_io, source, to), name="encrypt", daemon=True)
    thread.start()
    try:
        with os.fdopen(outlet, "wb") as stream:
            yield stream
    except BrokenPipeError:
        pass  # the other end has the reason
    finally:
        thread.join()
    keeper.complain()


@contextmanager
def opened(archive: Path, key: Identity | None) -> Iterator[IO[bytes]]:
    """An archive's plain bytes as a stream, whether it is encrypted or not. Raises BackupError."""
    with archive.open("rb") as file:
        if not is_encrypted(archive):
            yield file
            return
        if key is None:
            raise BackupError(f"{archive} 已加密：请用 --key 给出密钥文件，或输入纸上的恢复密钥。")
        inlet, outlet = os.pipe()
        opener = _Opener(file, key)
        thread = threading.Thread(target=opener.run, args=(os.fdopen(outlet, "wb"),), name="decrypt", daemon=True)
        thread.start()
        try:
            with os.fdopen(inlet, "rb") as stream:
                try:
                    yield stream
                    while stream.read(1 << 20):  # what follows the end of the tar is authenticated as well
                        pass
                except BackupError:
                    if not opener.error:
                        raise
        finally:
            thread.join()
        opener.complain(archive)


class _Keeper:
    """The end of the pipe that encrypts; remembers what went wrong with the file."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._error: BaseException | None = None

    def run(self, encrypt: Any, source: IO[bytes], to: list[Recipient]) -> None:
        with source:
            try:
                encrypt(source, self, to)
            except BaseException as error:
                self._error = self._error or error

    def write(self, piece: bytes) -> int:
        try:
            return self._file.write(piece)
        except OSError as error:
            self._error = error
            raise

    def flush(self) -> None:
        self._file.flush()

    def complain(self) -> None:
        if self._error is not None:
            raise self._error


class _Opener:
    """The end of the pipe that decrypts; remembers why it could not."""

    def __init__(self, file: IO[bytes], key: Identity):
        self._file, self._key = file, key
        self.error: BaseException | None = None

    def run(self, target: IO[bytes]) -> None:
        try:
            pyrage.decrypt_io(self._file, target, [self._key])
        except BaseException as error:
            self.error = error
        with suppress(OSError):
            target.close()

    def complain(self, archive: Path) -> None:
        if self.error is None:
            return
        if "No matching keys" in str(self.error):
            raise BackupError(f"{archive} 不是用这把密钥加密的，不能打开。") from self.error
        raise BackupError(f"{archive} 已损坏，不能恢复：{self.error}") from self.error


def _is_there(path: Path) -> bool:
    if path.exists():
        return True
    raise BackupError(f"找不到备份密钥 {path}：请以 root 执行 xiangyi backup-key 生成它。")

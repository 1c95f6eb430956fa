"""Is an unpacked release what it says? Judged in a process of its own: a hostile network may crash what opens it."""

import re
import subprocess
import sys
from pathlib import Path

from appliance.engines import Engines
from appliance.releases.archive import ReleaseRefused
from model import release
from model.release import MANIFEST, ReleaseError

WITHIN_S = 300
_VERSION = re.compile(r"[0-9][A-Za-z0-9.-]{0,39}")
# What model/release.py and model/inference.py say, for those who read Chinese.
_REASONS = (
    ("release.json cannot be read", "release.json 读不出来，或缺少必要的内容。"),
    ("unknown organ", "release.json 写的部位本机不认识。"),
    ("its labels are not those of", "标签与部位不符：名称、编号或颜色不同于本机的定义。"),
    ("is not in its list of files", "文件清单里缺少权重或标准样本。"),
    ("is missing", "清单里的文件不在压缩包中。"),
    ("its hash differs", "文件的校验值与清单不符，可能已损坏或被改动。"),
)


def reason_zh(error: Exception) -> str:
    """Why a release is refused, in Chinese."""
    text = str(error)
    drift = re.search(r"Dice ([\d.]+) < ([\d.]+)", text)
    if drift:
        return f"标准样本的分割结果漂移：Dice {drift[1]}，应不低于 {drift[2]}。"
    known = next((told for start, told in _REASONS if start in text), None)
    return known or f"模型无法载入：{text[:200]}"


def inspect(folder: Path) -> release.Release:
    """What the folder says it is, each hash verified; opens no network. Raises ReleaseRefused."""
    try:
        opened = release.load(folder)
    except ReleaseError as error:
        raise ReleaseRefused(reason_zh(error)) from error
    if not _VERSION.fullmatch(opened.version):
        raise ReleaseRefused("版本号不合要求：以数字开头，只含字母、数字、点和连字符。")
    unlisted = {path.name for path in folder.iterdir()} - set(opened.files) - {MANIFEST}
    if unlisted:
        raise ReleaseRefused(f"压缩包里有清单之外的文件：{'、'.join(sorted(unlisted))[:200]}")
    return opened


def prove(engines: Engines, folder: Path) -> None:
    """Open the network here and compare its golden sample. Raises ReleaseRefused."""
    inspect(folder)
    try:
        engines.open_release(folder)
    except Exception as error:  # whatever native code makes of a foreign file, it is a reason to refuse it
        raise ReleaseRefused(reason_zh(error)) from error


def prove_apart(folder: Path) -> None:
    """`prove` in another process, which may crash or hang without harm. Raises ReleaseRefused."""
    command = [sys.executable, "-m", "appliance", "release", "verify", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired as error:
        raise ReleaseRefused(f"模型 {WITHIN_S} 秒内没有完成标准样本的检验。") from error
    if done.returncode == 0:
        return
    said = done.stderr.strip().splitlines()
    if done.returncode == 1 and said and said[-1].startswith("Error: "):
        raise ReleaseRefused(said[-1].removeprefix("Error: "))
    raise ReleaseRefused("载入这个模型时程序崩溃，已拒绝。")

"""`xiangyi release`: list, bring in, activate and roll back releases at the box's own terminal."""

from collections.abc import Iterator
from pathlib import Path

from appliance.engines import Engines
from appliance.releases import activation, services
from appliance.releases.archive import ReleaseRefused
from appliance.releases.proof import prove
from appliance.settings import Settings
from appliance.start import open_database
from appliance.storage import Storage
from model.tasks import TASKS

ORIGINS = {"built-in": "随机附带", "uploaded": "上传"}


def list_releases(settings: Settings) -> Iterator[str]:
    """One line for each release; the served one is marked."""
    found = services.list_all(open_database(settings), settings.releases_dir)
    for organ in found.organs:
        for each in organ.releases:
            mark = "使用中" if each.active else "      "
            origin, name = ORIGINS[each.origin], TASKS[each.organ].name_zh
            yield f"{mark}  {each.organ}  {each.version}  {name}，{origin}，{each.sha256[:12]}"
        if organ.problem:
            yield f"  ! {organ.problem}"


def install(settings: Settings, path: Path) -> str:
    """Bring an archive in and prove it. Raises ReleaseRefused, TooLarge."""
    storage = Storage(settings.files_dir)
    arrival = services.install_file(open_database(settings), storage, settings.releases_dir, path)
    if arrival.state != "ready":
        raise ReleaseRefused(arrival.reason)
    which = f"{arrival.organ} {arrival.version}"
    return f"已安装 {which}。执行 xiangyi release activate {which} 启用它。"


def activate(settings: Settings, organ: str, version: str) -> str:
    """Serve it from the next job on. Raises ReleaseNotFound, Conflict."""
    activation.activate(open_database(settings), settings.releases_dir, organ, version, None, "terminal")
    return f"已启用 {organ} {version}；运行中的乡医从下一个任务起使用它。"


def roll_back(settings: Settings, organ: str) -> str:
    """Serve what was served before. Raises NotFound."""
    version = activation.roll_back(open_database(settings), organ, None, "terminal")
    return f"已退回 {organ} {version}。"


def verify(settings: Settings, folder: Path) -> None:
    """Prove an unpacked release in this process. Raises ReleaseRefused."""
    prove(Engines(settings), folder)

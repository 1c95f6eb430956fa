"""How states, roles, moments and amounts are told to people, in Chinese."""

from datetime import UTC, datetime

from model.tasks import TASKS

STATUSES = {
    "queued": "等待中",
    "running": "分割中",
    "succeeded": "已完成",
    "refused": "未通过质检",
    "failed": "失败",
}
ROLES = {"user": "用户", "clinician": "医生", "admin": "管理员"}
COMPUTES = {"cpu": "处理器（CPU）", "igpu": "集成显卡（iGPU）", "cuda": "独立显卡（CUDA）"}


def status(name: str) -> str:
    """A study's state."""
    return STATUSES.get(name, name)


def role(name: str) -> str:
    """An account's role."""
    return ROLES.get(name, name)


def compute(name: str | None) -> str:
    """What a network ran on."""
    return COMPUTES.get(name or "", name or "")


def organ(name: str) -> str:
    """An organ's task; one that a later version wrote keeps its own name."""
    return TASKS[name].name_zh if name in TASKS else name


def moment(at: str) -> str:
    """An ISO moment on the box's own clock, such as 2026-11-24 10:26; the page turns it to the reader's zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")


def age(at: str) -> str:
    """How long ago an ISO moment was: 刚刚, 5 分钟前, 3 小时前, 2 天前."""
    minutes = int((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() // 60)
    if minutes < 1:
        return "刚刚"
    if minutes < 60:
        return f"{minutes} 分钟前"
    return f"{minutes // 60} 小时前" if minutes < 48 * 60 else f"{minutes // 1440} 天前"


def seconds(milliseconds: float) -> str:
    """1234.5 → 1.23 秒."""
    return f"{milliseconds / 1000:.2f} 秒"


def timings(timings_ms: dict[str, float]) -> str:
    """How long the work took, and its main step."""
    whole = seconds(sum(timings_ms.values()))
    return f"{whole}，其中分割 {seconds(timings_ms['segment'])}" if "segment" in timings_ms else whole

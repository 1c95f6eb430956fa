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
SOURCES = {"local": "本机模型", "fallback": "外部模型", "passages": "资料原文", "triage": "分诊规则"}
LEVELS = {"emergency": "紧急", "urgent": "尽快就医", "routine": "一般"}
NOUNS = {
    "account": "账号",
    "announcement": "公告",
    "article": "文章",
    "audit": "操作日志",
    "backup": "备份",
    "comment": "留言",
    "consultation": "问诊",
    "correction": "修正",
    "document": "资料",
    "job": "任务",
    "language_model": "语言模型",
    "picture": "图片",
    "release": "模型版本",
    "session": "登录",
    "setting": "设置",
    "statistics": "统计",
    "study": "检查",
}
VERBS = {
    "activate": "启用",
    "approved": "通过",
    "ask_deletion": "申请删除数据",
    "bind_wechat": "绑定微信",
    "change": "修改",
    "change_password": "改密码",
    "change_role": "改角色",
    "compare": "对比",
    "create": "新建",
    "delete": "删除",
    "disable": "停用",
    "enable": "恢复使用",
    "end": "退出一台设备",
    "end_others": "退出其他设备",
    "erase": "删除全部数据",
    "export": "导出",
    "export_own": "导出自己的数据",
    "fall_back": "回退到之前的版本",
    "list": "列出",
    "pending": "改为待审核",
    "purge": "彻底清除",
    "rate": "评价",
    "read": "查看",
    "refused": "被拒绝",
    "rejected": "拒绝",
    "reset_password": "重置密码",
    "restore": "撤销删除",
    "retry": "重试",
    "review": "签署",
    "roll_back": "退回",
    "sent": "发往外部模型",
    "show_key": "查看密钥",
    "unbind_wechat": "解除微信绑定",
    "update": "修改",
    "upload": "上传",
    "use": "选用",
    "withdraw": "撤回签署",
    "withdraw_deletion": "撤回删除申请",
}
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


def organs() -> dict[str, str]:
    """All organs to choose from."""
    return {task.organ: task.name_zh for task in TASKS.values()}


def action(name: str) -> str:
    """What the audit log notes: study.read → 检查·查看. A verb that is not known keeps its own name."""
    noun, _, verb = name.partition(".")
    of_picture = VERBS["read"] + "图片" if verb.startswith("read_") else verb
    return f"{NOUNS.get(noun, noun)}·{VERBS.get(verb, of_picture)}"


def moment(at: str) -> str:
    """An ISO moment on the box's own clock, such as 2026-11-24 10:26; the page turns it to the reader's zone."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")


def day(at: str) -> str:
    """An ISO moment as its day on the box's own clock."""
    return moment(at)[:10]


def size(number: float | None) -> str:
    """Bytes as people read them."""
    if number is None:
        return "–"
    for unit, step in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if number >= step:
            return f"{number / step:.1f} {unit}"
    return f"{number:.0f} 字节"


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

"""Is the date believable? Jobs do not hang on it, but records do."""

from datetime import UTC, datetime

import sqlite_utils

from appliance.checks.check import OK, WARNING, Check, Context
from appliance.retention import WITHIN, days_unrecorded, is_behind, is_believable

MEND = "请校准时间：sudo timedatectl set-ntp true，或用 sudo date -s 手动设置。"


def check(context: Context) -> Check:
    title, shown = "系统时间", datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    doubt = context.database.read(_doubt)
    if not doubt or context.database.read(is_believable):
        return Check("clock", title, OK, f"{shown}。")
    return Check("clock", title, WARNING, f"{shown}，{doubt}核实之前不会清理任何旧记录。", MEND)


def _doubt(db: sqlite_utils.Database) -> str:
    """What speaks against the date, or nothing."""
    if is_behind(db):
        return "早于已有的记录，时间可能不对。"
    days = days_unrecorded(db)
    return f"此前有 {days} 天没有记录。如果不是停用了这么久，就是时间不对；" if days > WITHIN.days else ""

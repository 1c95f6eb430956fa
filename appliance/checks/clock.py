"""Is the date believable? Jobs do not hang on it, but records do."""

from datetime import UTC, datetime

from appliance.checks.check import OK, WARNING, Check, Context
from appliance.database import row

BUILT = datetime(2026, 11, 1, tzinfo=UTC)


def check(context: Context) -> Check:
    title, now = "系统时间", datetime.now(UTC)
    shown = now.astimezone().strftime("%Y-%m-%d %H:%M")
    last = context.database.read(lambda db: row(db, "SELECT max(at) AS at FROM audit_rows"))
    behind = last and last["at"] and (datetime.fromisoformat(last["at"]) - now).total_seconds() > 300
    if now < BUILT or behind:
        mend = "请校准时间：sudo timedatectl set-ntp true，或用 sudo date -s 手动设置。"
        return Check("clock", title, WARNING, f"{shown}，早于已有的记录，时间可能不对。", mend)
    return Check("clock", title, OK, f"{shown}。")

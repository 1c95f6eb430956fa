"""Did the last backup succeed, and is it not too old? A fresh box has some days before it is asked for one."""

from datetime import UTC, datetime

from appliance.backups.folder import mount_trouble
from appliance.backups.services import last_success, last_trouble
from appliance.checks.check import FAULT, OK, WARNING, Check, Context
from appliance.database import row
from appliance.overrides.services import current


def check(context: Context) -> Check:
    title = "备份"
    mend = "请在“管理 › 系统 › 备份”中立即备份，或执行 xiangyi backup 文件名，并把文件复制到另一个磁盘。"
    last, now = last_success(context.database), datetime.now(UTC)
    most = current(context.database, context.settings).backup_days
    trouble = mount_trouble(context.settings) or last_trouble(context.database, context.settings)
    if trouble:
        late = last is None or (now - last).total_seconds() / 86400 > most
        told = f"上一次成功的备份在 {last.astimezone():%Y-%m-%d %H:%M}。" if last else "还没有成功的备份。"
        return Check("backup", title, FAULT if late else WARNING, f"备份失败：{trouble}{told}", mend)
    if last is not None:
        days = (now - last).total_seconds() / 86400
        told = f"最近一次备份在 {last.astimezone():%Y-%m-%d %H:%M}"
        return (
            Check("backup", title, OK, f"{told}。")
            if days <= most
            else Check("backup", title, WARNING, f"{told}，已超过 {most} 天。", mend)
        )
    first = context.database.read(lambda db: row(db, "SELECT min(created_at) AS at FROM accounts"))
    begun = datetime.fromisoformat(first["at"]) if first and first["at"] else now
    if (now - begun).total_seconds() / 86400 <= most:
        return Check("backup", title, OK, "还没有备份；本机刚启用不久。")
    return Check("backup", title, WARNING, "从未备份。", mend)

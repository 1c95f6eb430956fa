"""Is the database whole?"""

import sqlite3

from appliance.checks.check import FAULT, OK, Check, Context
from appliance.errors import XiangyiError


def check(context: Context) -> Check:
    # Every page of a large file takes seconds: the page that asks each few seconds only proves that it can be read.
    sql = "PRAGMA quick_check(1)" if context.thorough else "SELECT 'ok' FROM accounts LIMIT 1"
    title, mend = "数据库", "请停止乡医并从最近的备份恢复；不要删除原文件。"
    try:
        verdict = context.database.read(lambda db: db.conn.execute(sql).fetchone()[0])
    except (XiangyiError, sqlite3.DatabaseError) as error:
        return Check("database", title, FAULT, f"无法读取：{error}", mend)
    if verdict != "ok":
        return Check("database", title, FAULT, f"数据库已损坏：{verdict}", mend)
    return Check("database", title, OK, "完整，可读写。")

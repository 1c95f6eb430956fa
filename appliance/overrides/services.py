"""Read and change the settings that are safe to change at run time.

`current` lays the rows of `overrides` over the settings that the process started with; settings.py stays the only
reader of file and environment. Whoever uses such a setting asks `current` each time it is needed.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlite_utils

from appliance import audit
from appliance.auth.services import Account
from appliance.clock import utc_now
from appliance.database import Database, rows
from appliance.errors import Invalid
from appliance.settings import Settings

log = logging.getLogger(__name__)
WIZARD = "first_start"  # no setting: whether the first admin was led through the first steps


@dataclass(frozen=True)
class Adjustable:
    """A setting by its dotted name. `kind`: text, long, number, switch or secret."""

    name: str
    title_zh: str
    hint_zh: str
    kind: str = "text"


ADJUSTABLE = (
    Adjustable("hospital_name", "医院名称", "显示在页眉和打印的结果上，不超过 40 字。"),
    Adjustable("maintenance", "维护通知", "显示在每一页的顶部，留空则不显示。", "long"),
    Adjustable("consultation_days", "问诊记录保留天数", "超过后自动删除；0 表示永久保留。", "number"),
    Adjustable("audit_days", "操作日志保留天数", "不得少于 180 天。", "number"),
    Adjustable("backup_days", "备份提醒天数", "最近一次备份超过这个天数时，系统状态给出提醒。", "number"),
    Adjustable(
        "headlines.enabled", "健康头条", "从互联网获取健康新闻，显示在工作台；关闭后不再获取，也不显示。", "switch"
    ),
    Adjustable("fallback.url", "外部模型地址", "兼容 OpenAI 的地址，以 /v1 结尾；留空表示不使用外部模型。"),
    Adjustable("fallback.model", "外部模型名称", "由外部服务提供。"),
    Adjustable("fallback.key", "外部模型密钥", "留空则保持原来的密钥。", "secret"),
    Adjustable("fallback.daily_questions", "外部模型每日上限", "全院每天最多发出的问题数。", "number"),
    Adjustable("wechat.appid", "微信小程序 AppID", "在微信公众平台“开发管理”里查看；留空表示不开通微信登录。"),
    Adjustable("wechat.secret", "微信小程序 AppSecret", "留空则保持原来的密钥。", "secret"),
)
_BY_NAME = {each.name: each for each in ADJUSTABLE}


def current(database: Database, settings: Settings) -> Settings:
    """The settings as an admin has changed them. A value that no longer fits is logged and passed over."""
    for name, value in _stored(database).items():
        try:
            settings = _with(settings, name, value)
        except msgspec.ValidationError:
            log.warning("the override of %s does not fit any more", name)
    return settings


def value_of(settings: Settings, name: str) -> Any:
    """A setting by its dotted name."""
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def changed(database: Database) -> set[str]:
    """The names that differ from file and environment."""
    return set(_stored(database))


def change(database: Database, settings: Settings, account: Account, values: dict[str, Any], address: str) -> Settings:
    """Keep new values by their dotted names, all or none; None goes back to file and environment. Raises Invalid."""
    for name, value in values.items():
        if name not in _BY_NAME:
            raise Invalid(f"{name} 不能在这里修改。", "setting_unknown")
        if value is not None:
            _check(settings, name, value)

    def write(db: sqlite_utils.Database) -> None:
        for name, value in values.items():
            db.conn.execute("DELETE FROM overrides WHERE name = ?", (name,))
            if value is not None:
                _insert(db, name, value, account.id)
            audit.record(db, account.id, "setting.change", name, address)

    database.write(write)
    return current(database, settings)


def wizard_is_due(database: Database, account: Account) -> bool:
    """Is this an admin with the first password, who was not led through the first steps yet?"""
    if account.role != "admin" or not account.password_is_initial:
        return False
    sql = "SELECT name FROM overrides WHERE name = ?"
    return not database.read(lambda db: rows(db, sql, WIZARD))


def end_wizard(database: Database, account: Account) -> None:
    """The first steps were taken, or passed over."""

    def write(db: sqlite_utils.Database) -> None:
        db.conn.execute("DELETE FROM overrides WHERE name = ?", (WIZARD,))
        _insert(db, WIZARD, True, account.id)

    database.write(write)


def _check(settings: Settings, name: str, value: Any) -> None:
    title = _BY_NAME[name].title_zh
    try:
        _with(settings, name, value)
    except msgspec.ValidationError as error:
        raise Invalid(f"“{title}”的值不合要求：{_BY_NAME[name].hint_zh}", "setting_invalid", name=name) from error
    if name == "fallback.url" and value and not (value.startswith(("http://", "https://")) and value.endswith("/v1")):
        raise Invalid("外部模型地址须以 http:// 或 https:// 开头，以 /v1 结尾。", "setting_invalid", name=name)


def _with(settings: Settings, name: str, value: Any) -> Settings:
    """The settings with one value replaced, its type and bounds checked. Raises msgspec.ValidationError."""
    group, _, inner = name.rpartition(".")
    if isinstance(value, str):
        value = value.strip()
    if not group:
        fresh = msgspec.convert({name: value}, Settings)
        return msgspec.structs.replace(settings, **{name: getattr(fresh, name)})
    own = getattr(settings, group)
    fresh_own = msgspec.convert({inner: value}, type(own))
    return msgspec.structs.replace(
        settings, **{group: msgspec.structs.replace(own, **{inner: getattr(fresh_own, inner)})}
    )


def _stored(database: Database) -> dict[str, Any]:
    found = database.read(lambda db: rows(db, "SELECT name, value FROM overrides"))
    return {each["name"]: json.loads(each["value"]) for each in found if each["name"] in _BY_NAME}


def _insert(db: sqlite_utils.Database, name: str, value: Any, account_id: str) -> None:
    facts = {"name": name, "value": json.dumps(value, ensure_ascii=False)}
    db.table("overrides").insert({**facts, "changed_at": utc_now(), "changed_by": account_id})

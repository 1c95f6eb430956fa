"""The box's settings: one TOML file, then XIANGYI_* variables. The only reader of the environment."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

PREFIX = "XIANGYI_"


class SettingsError(Exception):
    """A setting that cannot be used, with the mend."""


class LlmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The language model's process. `cache` keeps what is big and arrives once for each user of the machine."""

    host: str = "127.0.0.1"
    port: int = 8081
    model: str = "qwen2.5-coder-1.5b"
    cache: Path = Path.home() / ".cache" / "xiangyi"
    threads: int = 0
    context: int = 4096
    install: bool = True
    enabled: bool = True


class FallbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenAI-compatible endpoint outside the box; off without a `url` (ending in /v1).

    A question goes there only when the person agrees to it, and without what names a person. `daily_questions`: of the
    whole box.
    """

    url: str = ""
    model: str = ""
    key: str = "none"
    timeout_s: float = 20.0
    daily_questions: int = 100


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an upload may be at most; and how many requests to the API an account may send, 0 for no limit."""

    upload_bytes: int = 200 * 1024 * 1024
    pixels: int = 60_000_000
    files: int = 50
    question_characters: int = 1000
    requests_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 1200


class HeadlineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Health news from outside: each channel's address, and how often it is asked; 0 never.

    A channel is NetEase's JSON list or an RSS or Atom feed. Only its address is asked for: nothing of the box goes out.
    """

    channels: tuple[str, ...] = ("https://c.m.163.com/nc/article/list/T1414389941036/0-20.html",)
    interval_minutes: int = 30


class WechatSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logging in by WeChat, of the mini program; off without `appid` and `secret`. `url`: where codes are asked for."""

    appid: Annotated[str, msgspec.Meta(max_length=64)] = ""
    secret: Annotated[str, msgspec.Meta(max_length=128)] = ""
    url: str = "https://api.weixin.qq.com/sns/jscode2session"
    timeout_s: float = 5.0


class TunnelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The port that only the tunnel's proxy speaks to, see tunnel.py; 0 for none. `requests_per_minute`: of one
    account through it, 0 for no limit."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    requests_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 240


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings; xiangyi.toml has the same names, with a table for each group.

    `consultation_days`: how long consultations are kept, 0 for ever. `audit_days`: the audit log, 180 at least.
    `backup_dir`: where backups of the admin pages go, a folder in the data folder when it is not set; `backup_days`:
    how old the last one may be. `maintenance`: a notice on every page.
    """

    data_dir: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8080
    admin_password: str | None = None
    compute: Literal["auto", "cuda", "igpu", "cpu"] = "auto"
    threads: int = 0
    session_hours: int = 24 * 14
    lease_seconds: float = 10.0
    job_attempts: int = 3
    secure_cookies: bool = False
    consultation_days: Annotated[int, msgspec.Meta(ge=0, le=36500)] = 0
    audit_days: Annotated[int, msgspec.Meta(ge=180, le=36500)] = 365
    backup_dir: Path | None = None
    backup_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    hospital_name: Annotated[str, msgspec.Meta(max_length=40)] = ""
    maintenance: Annotated[str, msgspec.Meta(max_length=200)] = ""
    llm: LlmSettings = LlmSettings()
    fallback: FallbackSettings = FallbackSettings()
    limits: LimitSettings = LimitSettings()
    headlines: HeadlineSettings = HeadlineSettings()
    wechat: WechatSettings = WechatSettings()
    tunnel: TunnelSettings = TunnelSettings()

    @property
    def database_path(self) -> Path:
        return self.data_dir / "xiangyi.db"

    @property
    def files_dir(self) -> Path:
        return self.data_dir / "files"

    @property
    def releases_dir(self) -> Path:
        return self.data_dir / "releases"

    @property
    def backups_dir(self) -> Path:
        return self.backup_dir or self.data_dir / "backups"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read $XIANGYI_CONFIG (default <data_dir>/xiangyi.toml, which may be absent), then the XIANGYI_* variables.

    XIANGYI_PORT sets `port`, XIANGYI_LLM_PORT sets `llm.port`. Raises SettingsError for what does not fit.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(PREFIX + "CONFIG")
    path = Path(named) if named else Path(environ.get(PREFIX + "DATA_DIR", "var")) / "xiangyi.toml"
    values: dict[str, Any] = {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if named:
            raise SettingsError(f"找不到设置文件 {path}：请检查 XIANGYI_CONFIG。") from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"设置文件 {path} 读不出来：{error}") from error
    _overlay(values, environ)
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=lambda type_, value: type_(value))
    except msgspec.ValidationError as error:
        raise SettingsError(f"设置有误（{path} 或 XIANGYI_* 变量）：{error}") from error
    return msgspec.structs.replace(settings, data_dir=settings.data_dir.expanduser().resolve())


def _overlay(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Lay the variables over the file's values; one that names no setting is left to whoever it is for."""
    groups = {
        "LLM_": ("llm", LlmSettings),
        "FALLBACK_": ("fallback", FallbackSettings),
        "LIMITS_": ("limits", LimitSettings),
        "HEADLINES_": ("headlines", HeadlineSettings),
        "WECHAT_": ("wechat", WechatSettings),
        "TUNNEL_": ("tunnel", TunnelSettings),
    }
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX)
        target: dict[str, Any] = values
        struct: Any = Settings
        for start, (group, type_) in groups.items():
            if name.startswith(start):
                target, struct, name = values.setdefault(group, {}), type_, name.removeprefix(start)
        if name.lower() in struct.__struct_fields__ and text != "":
            target[name.lower()] = text.split() if name == "CHANNELS" else text

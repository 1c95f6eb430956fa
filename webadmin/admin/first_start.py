"""The first admin's first steps: the hospital's name, a password of one's own, how long consultations are kept."""

from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from appliance import language_models
from appliance.auth.attempts import Attempts
from appliance.auth.controllers import address_of
from appliance.auth.services import MIN_PASSWORD, Account, change_password
from appliance.database import Database
from appliance.errors import Invalid, TooManyRequests, XiangyiError
from appliance.overrides import services
from appliance.settings import Settings
from webadmin.rendering import Pages, View


class StartForm(msgspec.Struct):
    hospital_name: str = ""
    consultation_days: str = "0"
    old: str = ""
    new: str = ""
    repeated: str = ""
    skip: str = ""


@dataclass(frozen=True, kw_only=True)
class StartView(View):
    """The form as it was filled in; `error` is None at first."""

    hospital_name: str
    consultation_days: str
    model: str
    error: str | None = None
    min_password: int = MIN_PASSWORD


@get("/start")
async def show_start(
    account: NamedDependency[Account], settings: NamedDependency[Settings], pages: NamedDependency[Pages]
) -> Response[str]:
    """The form with what is set now."""
    now = pages.site()
    form = StartForm(now.hospital_name, str(now.consultation_days))
    return await anyio.to_thread.run_sync(_page, pages, settings, account, form, None)


@post("/start", status_code=200)
async def save_start(
    data: Annotated[StartForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    attempts: NamedDependency[Attempts],
    pages: NamedDependency[Pages],
) -> Response:
    """Keep what was filled in, or show it again with what was wrong."""
    try:
        await anyio.to_thread.run_sync(_save, database, settings, attempts, account, data, request)
    except (Invalid, TooManyRequests) as error:
        return await anyio.to_thread.run_sync(_page, pages, settings, account, data, error)
    return Redirect("/admin" if not data.skip else "/", status_code=303)


def _save(
    database: Database, settings: Settings, attempts: Attempts, account: Account, form: StartForm, request: Request
) -> None:
    address = address_of(request)
    if not form.skip:
        if form.new != form.repeated:
            raise Invalid("两次输入的新密码不一致。")
        if not form.consultation_days.isdecimal():
            raise Invalid("保留天数应是 0 或正整数。")
        values = {"hospital_name": form.hospital_name, "consultation_days": int(form.consultation_days)}
        services.change(database, settings, account, values, address)
        if form.new or form.old:
            with attempts.guess(account.username, address):
                change_password(database, account, form.old, form.new, request.auth)
    services.end_wizard(database, account)


def _page(
    pages: Pages, settings: Settings, account: Account, form: StartForm, error: XiangyiError | None
) -> Response[str]:
    chosen = next((each.title for each in language_models.list_models(settings) if each.chosen), "未选用")
    view = StartView(
        title="首次设置",
        section="account",  # the notice about the first password would only repeat this page
        hospital_name=form.hospital_name,
        consultation_days=form.consultation_days,
        model=chosen,
        error=error.message if error else None,
    )
    return pages.html("admin/system/start.html", view, account, error.status if error else 200)


PAGES = [show_start, save_start]

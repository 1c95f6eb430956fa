"""From a view model and a template to an HTML response with the headers that every page carries."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

from appliance.auth.services import Account
from appliance.settings import Settings
from webadmin import wording
from webadmin.assets import Assets

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; object-src 'none';"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",  # a shared PC's back button must not show a patient after the log-out
}


@dataclass(frozen=True, kw_only=True)
class View:
    """What every template gets as `view`. `section` marks the navigation's current entry."""

    title: str
    section: str = ""


class Pages:
    """Renders templates; a name that a template uses and nobody gave is an error, not a blank.

    `site` tells the settings as they are now: every page shows the hospital's name and the maintenance notice.
    """

    def __init__(self, folder: Path, assets: Assets, site: Callable[[], Settings]):
        self.site = site
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(asset=assets.url, site=site)
        self._environment.filters.update(
            moment=wording.moment,
            day=wording.day,
            action=wording.action,
            size=wording.size,
            seconds=wording.seconds,
            role=wording.role,
            age=wording.age,
        )

    def html(self, template: str, view: View, account: Account | None, status_code: int = 200) -> Response[str]:
        """The page that `template` makes of `view`, for `account` (None when nobody is logged in)."""
        text = self._environment.get_template(template).render(view=view, account=account)
        return Response(text, status_code=status_code, media_type=MediaType.HTML, headers=HEADERS)

"""The own account."""

from dataclasses import dataclass

from litestar import Response, get
from litestar.di import NamedDependency

from appliance.auth.services import MAX_PASSWORD, MIN_PASSWORD, Account
from webadmin.rendering import Pages, View


@dataclass(frozen=True, kw_only=True)
class AccountView(View):
    """The form to change the password, with its bounds."""

    min_password: int = MIN_PASSWORD
    max_password: int = MAX_PASSWORD


@get("/account", sync_to_thread=False)
def show_account(account: NamedDependency[Account], pages: NamedDependency[Pages]) -> Response[str]:
    """Who is logged in, and the form to change the password."""
    return pages.html("accounts/page.html", AccountView(title="我的账号", section="account"), account)

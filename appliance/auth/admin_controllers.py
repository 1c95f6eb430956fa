"""Accounts for admins: search, create, edit, disable, reset the password, CSV in and out."""

from typing import Annotated

import anyio.to_thread
from litestar import Controller, Request, Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, JSONBody

from appliance.auth import accounts, rosters
from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.schemas import (
    CreatedAccount,
    NewPassword,
    PersonOut,
    PersonPage,
    RosterOut,
    RosterRowOut,
    SaveAccount,
)
from appliance.auth.services import Account
from appliance.database import Database
from appliance.errors import Invalid
from appliance.sheets import download


class PeopleController(Controller):
    path = "/accounts"
    guards = (require_admin,)
    request_max_body_size = 2 * rosters.MAX_BYTES
    tags = ("accounts",)

    @get()
    async def list_people(
        self,
        database: NamedDependency[Database],
        q: FromQuery[str] = "",
        role: FromQuery[str] = "",
        status: FromQuery[str] = "",
        after: FromQuery[str] = "",
    ) -> PersonPage:
        """All accounts by name. `status`: active, disabled, or asked for those who want their data deleted."""
        found, following = await anyio.to_thread.run_sync(accounts.list_people, database, q, role, status, after)
        return PersonPage([PersonOut.of(person) for person in found], following)

    @post()
    async def create(
        self,
        data: JSONBody[SaveAccount],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> CreatedAccount:
        """201 with the one-time password, which is told this once."""
        profile, address = data.profile(), address_of(request)
        made = await anyio.to_thread.run_sync(accounts.create_person, database, account, profile, address)
        return CreatedAccount(*made)

    @get("/export")
    async def export(
        self, request: Request, account: NamedDependency[Account], database: NamedDependency[Database]
    ) -> Response[bytes]:
        """All accounts as CSV for Excel, without anything secret."""
        content = await anyio.to_thread.run_sync(rosters.export_roster, database, account, address_of(request))
        return download(content, "xiangyi-accounts.csv")

    @post("/import", status_code=200)
    async def import_roster(
        self,
        data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
        dry: FromQuery[bool] = True,
    ) -> RosterOut:
        """A report on each row of the `file`; with `dry=false` the good rows become accounts."""
        file = data.get("file")
        if file is None:
            raise Invalid("没有收到文件，请选择 CSV 文件。", "file_missing")
        content, address = await file.read(), address_of(request)
        if dry:
            found = await anyio.to_thread.run_sync(rosters.read_roster, database, content)
        else:
            found = await anyio.to_thread.run_sync(rosters.import_roster, database, account, content, address)
        items = [RosterRowOut.of(row) for row in found]
        return RosterOut(items, sum(not item.problem for item in items), not dry)

    @get("/{account_id:str}")
    async def read(self, account_id: FromPath[str], database: NamedDependency[Database]) -> PersonOut:
        """One account."""
        return PersonOut.of(await anyio.to_thread.run_sync(accounts.get_person, database, account_id))

    @put("/{account_id:str}")
    async def update(
        self,
        account_id: FromPath[str],
        data: JSONBody[SaveAccount],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> PersonOut:
        """Name, role, department, disabled or not; 409 rather than a box without an admin."""
        profile, address = data.profile(), address_of(request)
        person = await anyio.to_thread.run_sync(accounts.update_person, database, account, account_id, profile, address)
        return PersonOut.of(person)

    @post("/{account_id:str}/password")
    async def reset_password(
        self,
        account_id: FromPath[str],
        request: Request,
        account: NamedDependency[Account],
        database: NamedDependency[Database],
    ) -> NewPassword:
        """201 with a one-time password, told this once; the account's sessions end."""
        address = address_of(request)
        password = await anyio.to_thread.run_sync(accounts.reset_password, database, account, account_id, address)
        return NewPassword(password)

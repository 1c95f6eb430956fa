"""Take away all that the box holds of a person: by themselves with their password, or by an admin.

The account stays, and so do the audit log's rows, which name actions and ids but hold nothing of what was said or
seen. Backups that were made before still hold it, until they are deleted.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio.to_thread
import msgspec
import sqlite_utils
from litestar import Request, delete
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from appliance import audit, leftovers
from appliance.auth.accounts import get_person
from appliance.auth.attempts import Attempts
from appliance.auth.controllers import address_of
from appliance.auth.guards import require_admin
from appliance.auth.services import Account, check_password
from appliance.database import Database, rows
from appliance.errors import Forbidden
from appliance.storage import Storage
from appliance.studies import everyones as studies

OWN = (
    "consultations",
    "comments",
    "sessions",
    "wechat_bindings",
)  # tables whose rows are of one account, beside studies


class EraseData(msgspec.Struct, rename="camel"):
    """`password`: of whoever asks for it, for there is no way back."""

    password: str


class Erased(msgspec.Struct, rename="camel"):
    """How much is gone. Files that were stored within the last hour follow within the next."""

    studies: int
    consultations: int
    comments: int


@delete("/me/data", status_code=200, tags=["accounts"])
async def erase_own_data(
    data: JSONBody[EraseData],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    storage: NamedDependency[Storage],
    attempts: NamedDependency[Attempts],
) -> Erased:
    """Erase the own studies with their pictures, consultations and comments, and end all sessions; the account stays.

    For users alone: what clinicians and admins uploaded is their patients' record, which an admin decides about.
    """
    if account.sees_all:
        raise Forbidden("工作账号上传的是患者的检查资料，属于医院记录，请联系管理员处理。", "records_of_patients")
    return await _confirmed(database, storage, attempts, account, data.password, account.id, request)


@delete("/accounts/{account_id:str}/data", status_code=200, guards=[require_admin], tags=["accounts"])
async def erase_data(
    account_id: FromPath[str],
    data: JSONBody[EraseData],
    request: Request,
    account: NamedDependency[Account],
    database: NamedDependency[Database],
    storage: NamedDependency[Storage],
    attempts: NamedDependency[Attempts],
) -> Erased:
    """The same of anyone, by an admin, who confirms it with the admin's own password."""
    return await _confirmed(database, storage, attempts, account, data.password, account_id, request)


async def _confirmed(
    database: Database,
    storage: Storage,
    attempts: Attempts,
    by: Account,
    password: str,
    account_id: str,
    request: Request,
) -> Erased:
    address = address_of(request)
    with attempts.guess(by.username, address):
        await anyio.to_thread.run_sync(check_password, database, by, password)
    return await anyio.to_thread.run_sync(erase, database, storage, by, account_id, address)


def erase(database: Database, storage: Storage, by: Account, account_id: str, address: str) -> Erased:
    """All of a person's, in one transaction. Raises AccountNotFound."""
    get_person(database, account_id)

    def take(db: sqlite_utils.Database) -> Erased:
        with _overwriting(db):
            every = rows(db, "SELECT id FROM studies WHERE account_id = ?", account_id)
            for study in every:
                studies.remove(db, study["id"])
            gone = [
                db.conn.execute(f"DELETE FROM {table} WHERE account_id = ?", (account_id,)).rowcount  # noqa: S608
                for table in OWN
            ]
            # Written anew without what was deleted: until then the index only says that it no longer counts.
            db.conn.execute("INSERT INTO question_index(question_index) VALUES ('optimize')")
            db.table("accounts").update(account_id, {"deletion_asked_at": None})
            audit.record(db, by.id, "account.erase", account_id, address)
        return Erased(len(every), *gone[:2])

    erased = database.write(take)
    database.settle()
    leftovers.sweep(database, storage)
    return erased


@contextmanager
def _overwriting(db: sqlite_utils.Database) -> Iterator[None]:
    """What is deleted meanwhile is overwritten with zeros, not only let go of."""
    db.conn.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.conn.execute("PRAGMA secure_delete = OFF")

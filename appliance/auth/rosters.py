"""Accounts as CSV: out for Excel, and in with a report on every row before anything is stored."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace

import sqlite_utils

from appliance import audit
from appliance.auth.accounts import Person, Profile, checked, insert_person, list_people, one_time_password
from appliance.auth.services import Account, one_time_hash
from appliance.database import Database, row
from appliance.errors import Conflict, Invalid, TooLarge, XiangyiError
from appliance.sheets import csv_bytes

MAX_BYTES, MAX_ROWS = 1024 * 1024, 500
ROLES = {"用户": "user", "医生": "clinician", "管理员": "admin"}
_ROLE_NAMES = {role: name for name, role in ROLES.items()}
_COLUMNS = {"username": "用户名", "full_name": "姓名", "department": "科室", "role": "角色"}
_FORMULA = ("=", "+", "-", "@")
_EVERYONE = 1_000_000


@dataclass(frozen=True)
class RosterRow:
    """A row that came in; `line` as Excel counts. `problem` is empty when it can be an account."""

    line: int
    profile: Profile
    problem: str = ""
    password: str = ""


def read_roster(database: Database, content: bytes) -> list[RosterRow]:
    """What each row would become, and nothing stored. Raises Invalid, TooLarge for a file that is no roster."""
    if len(content) > MAX_BYTES:
        raise TooLarge("文件超过 1 MB。", "roster_too_large", maxBytes=MAX_BYTES)
    records = [(line, record) for line, record in _records(_decoded(content)) if any(record.values())]
    if not records:
        raise Invalid("文件里没有账号。第一行须是列名，其中至少有“用户名”。", "roster_empty")
    if len(records) > MAX_ROWS:
        raise TooLarge(f"一次最多导入 {MAX_ROWS} 个账号。", "roster_too_long", maxRows=MAX_ROWS)
    seen: set[str] = set()
    return [_judged(database, seen, line, record) for line, record in records]


def import_roster(database: Database, admin: Account, content: bytes, address: str | None = None) -> list[RosterRow]:
    """Store the rows without a problem, all or none, each with a one-time password that is told this once."""
    ready = [_with_password(each) for each in read_roster(database, content)]

    def insert(db: sqlite_utils.Database) -> None:
        for each, hashed in ready:
            if not each.problem:
                insert_person(db, admin, each.profile, hashed, address)

    database.write(insert)
    return [each for each, _ in ready]


def export_roster(database: Database, admin: Account, address: str | None = None) -> bytes:
    """All accounts: UTF-8 with the mark by which Excel knows it; no cell is a formula."""
    people, _ = list_people(database, most=_EVERYONE)
    database.write(lambda db: audit.record(db, admin.id, "account.export", "all", address))
    return csv_bytes([*_COLUMNS.values(), "状态", "创建时间", "最近使用"], map(_cells, people))


def _cells(person: Person) -> tuple[str, ...]:
    state = "停用" if person.disabled else "正常"
    names = (person.username, person.full_name, person.department, _ROLE_NAMES[person.role])
    return (*names, state, person.created_at, person.seen_at or "")


def _decoded(content: bytes) -> str:
    """UTF-8, or what Excel in China writes."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("文件的编码认不出来，请另存为“CSV UTF-8”。", "roster_encoding")


def _records(text: str) -> Iterable[tuple[int, dict[str, str]]]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        names = [(name or "").strip() for name in reader.fieldnames or []]
        if "用户名" not in names and "username" not in names:
            raise Invalid("第一行须是列名，其中至少有“用户名”。", "roster_header")
        reader.fieldnames = names
        for record in reader:
            cells = {
                column: _unguarded(record.get(title) or record.get(column) or "") for column, title in _COLUMNS.items()
            }
            yield reader.line_num, cells
    except csv.Error as error:
        raise Invalid("文件不是完好的 CSV。", "roster_broken") from error


def _unguarded(cell: str) -> str:
    """The mark before a would-be formula taken back, so that what was exported can come in again."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _judged(database: Database, seen: set[str], line: int, record: dict[str, str]) -> RosterRow:
    role = record["role"] or "用户"
    profile = Profile(record["username"], ROLES.get(role, role), record["full_name"], record["department"])
    try:
        if profile.role not in _ROLE_NAMES:
            raise Invalid(f"没有“{role}”这个角色，可填：用户、医生、管理员。")
        profile = checked(profile)
        name = profile.username.casefold()
        if name in seen:
            raise Conflict("和前面某一行的用户名相同。")
        seen.add(name)
        if database.read(lambda db: row(db, "SELECT 1 FROM accounts WHERE username = ?", profile.username)):
            raise Conflict("这个用户名已有账号。")
    except XiangyiError as error:
        return RosterRow(line, profile, error.message)
    return RosterRow(line, profile)


def _with_password(each: RosterRow) -> tuple[RosterRow, str]:
    """The row with its password, and the password's hash: made before the write lock is taken, for it takes long."""
    if each.problem:
        return each, ""
    password = one_time_password()
    return replace(each, password=password), one_time_hash(password)

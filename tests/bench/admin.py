"""How fast the admin's lists and statistics are on a large box, beside the bare query; run by hand.

`PYTHONPATH=.:tests python tests/bench/admin.py --studies 100000 --consultations 100000` fills a scratch database,
which takes minutes; with `--data FOLDER` it is kept, and the next run there only measures.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from appliance.auth.services import Account, create_account
from appliance.consultations import everyones as consultations
from appliance.consultations.everyones import ConsultationFilter
from appliance.database import Database, row
from appliance.migrations import migrate
from appliance.settings import Settings
from appliance.statistics import services
from appliance.studies import everyones as studies
from appliance.studies.everyones import StudyFilter
from support.rows import BARE, fill

BARE_SEARCH = "SELECT rowid FROM question_index WHERE question_index MATCH '\"发热\"' ORDER BY rowid DESC LIMIT 51"


def median_ms(work: Callable[[], object], times: int = 15) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return round(statistics.median(taken), 2)


def measure(database: Database, settings: Settings, account: Account) -> dict[str, float]:
    """Milliseconds of each service call, the audit row's commit included."""
    today = datetime.now().date()

    def lists(**asked: str) -> Callable[[], object]:
        return lambda: studies.list_all(database, account, StudyFilter(**asked), None, "bench")

    def asked(**wanted: str) -> Callable[[], object]:
        return lambda: consultations.list_all(database, account, ConsultationFilter(**wanted), None, "bench")

    started = time.perf_counter()
    services.get(database, settings, today - timedelta(days=364), today)
    first_s = time.perf_counter() - started
    return {
        "bare query of the first page": median_ms(lambda: database.read(lambda db: list(db.query(BARE)))),
        "studies, first page": median_ms(lists()),
        "studies, one organ": median_ms(lists(organ="liver")),
        "studies, one organ and status": median_ms(lists(organ="liver", status="failed")),
        "studies, one account": median_ms(lists(username="ann")),
        "consultations, first page": median_ms(asked()),
        "consultations, a rare word": median_ms(asked(q="第77问")),
        "consultations, a word in all": median_ms(asked(q="发热")),
        "consultations, a word in all, and a filter": median_ms(asked(q="发热", source="fallback")),
        "consultations, a word nowhere": median_ms(asked(q="没有这几个字")),
        "bare FTS5: ids of the first page": median_ms(lambda: database.read(lambda db: list(db.query(BARE_SEARCH)))),
        "statistics of a year, the first time (s)": round(first_s, 2),
        "statistics of a year": median_ms(lambda: services.get(database, settings, today - timedelta(days=364), today)),
        "statistics of thirty days": median_ms(
            lambda: services.get(database, settings, today - timedelta(days=29), today)
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--consultations", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(data_dir=options.data or Path(scratch))
        database = Database(settings.database_path)
        account = filled(database, options)
        print(json.dumps(measure(database, settings, account), ensure_ascii=False, indent=1))
        database.close()


def filled(database: Database, options: argparse.Namespace) -> Account:
    """Fill a new database; returns who asks."""
    migrate(database)
    known = database.read(lambda db: row(db, "SELECT id FROM accounts WHERE username = 'doc'"))
    if known:
        return Account(known["id"], "doc", "admin")
    for name in ("ann", "bo", "doc"):
        account = create_account(database, name, "secret-word-1", "admin")
    started = time.perf_counter()
    fill(database, options.studies, options.consultations, options.days, datetime.now().date(), images=True)
    print(f"filled in {time.perf_counter() - started:.0f} s", flush=True)
    return account


if __name__ == "__main__":
    main()

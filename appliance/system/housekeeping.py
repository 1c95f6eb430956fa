"""What the worker does beside its jobs, once an hour: count days, purge what was deleted or is too old."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from appliance import leftovers
from appliance.articles.publishing import forget_deleted
from appliance.consultations import everyones as consultations
from appliance.database import Database
from appliance.errors import XiangyiError
from appliance.overrides.services import current
from appliance.settings import Settings
from appliance.statistics import days
from appliance.statistics.services import measure_storage
from appliance.storage import Storage
from appliance.studies import everyones as studies
from appliance.system import audit_log

log = logging.getLogger(__name__)
EVERY_S = 3600.0
FIRST_AFTER_S = 60.0  # a start has better to do


class Housekeeping:
    """Call `tick` often; it works when it is due."""

    def __init__(self, settings: Settings, database: Database, storage: Storage):
        self._settings, self._database, self._storage = settings, database, storage
        self._due = time.monotonic() + FIRST_AFTER_S

    def tick(self) -> None:
        """Do what is due; what fails is logged, and tried again in an hour."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + EVERY_S
        self.run()

    def run(self) -> None:
        """All of it now."""
        settings, database = current(self._database, self._settings), self._database
        today = datetime.now().date()
        chores: tuple[Callable[[], object], ...] = (
            lambda: days.roll_up(database, today, anew=True),
            lambda: measure_storage(database, settings, today),
            lambda: studies.purge(database),
            lambda: consultations.purge(database, settings.consultation_days),
            lambda: forget_deleted(database),
            lambda: audit_log.purge(database, settings.audit_days),
            lambda: leftovers.sweep(database, self._storage),
        )
        for chore in chores:
            try:
                chore()
            except (XiangyiError, OSError):
                log.exception("a chore failed")

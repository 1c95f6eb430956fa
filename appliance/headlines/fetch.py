"""The job that asks one channel. A box without the internet is no fault: what is missing is noted, and tried later."""

import logging
from collections.abc import Callable

import sqlite_utils

from appliance.database import Database
from appliance.engines import Engines
from appliance.headlines import services
from appliance.headlines.channels import ChannelError, fetch
from appliance.jobs import Job
from appliance.storage import Storage

log = logging.getLogger(__name__)


def fetch_headlines(
    database: Database, storage: Storage, engines: Engines, job: Job
) -> Callable[[sqlite_utils.Database], None]:
    """Do the work; returns what keeps it."""
    address = job.subject_id
    try:
        found = fetch(address)
    except ChannelError as error:
        problem = str(error)
        log.info("headlines of %s: %s", address, problem)
        return lambda db: services.keep_problem(db, address, problem)
    return lambda db: services.keep(db, address, found)

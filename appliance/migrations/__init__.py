"""The database's schema, step by step. Append only: a step that has landed is never edited.

Each runs, and is recorded as run, in one transaction (sqlite-utils' Migrations), in the order in which the modules here
are imported and write them down.
"""

from appliance.database import Database
from appliance.migrations import care as care
from appliance.migrations import running as running
from appliance.migrations.steps import migrations

__all__ = ["migrate", "migrations"]


def migrate(database: Database) -> None:
    """Bring the database to today's schema. Two processes may call it at once: one waits for the other."""
    database.write(migrations.apply)

"""What the steps are written with."""

import sqlite_utils
from sqlite_utils import Migrations

migrations = Migrations("xiangyi")


def run(db: sqlite_utils.Database, *statements: str) -> None:
    """One after the other, in the step's transaction."""
    for statement in statements:
        db.conn.execute(statement)

"""What a database says when somebody else was there first, in the words of three drivers."""

import sqlite3

from django.db import OperationalError


def was_refused(error: OperationalError) -> bool:
    """The transaction was undone for another one's sake: a second try may succeed."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    # PostgreSQL: serialization_failure, deadlock_detected. MySQL, MariaDB: a deadlock.
    return getattr(cause, "sqlstate", None) in ("40001", "40P01") or cause.args[0] == 1213


def is_locked(error: OperationalError) -> bool:
    """NOWAIT found the row locked."""
    cause = error.__cause__
    # PostgreSQL: lock_not_available. MariaDB: a lock wait of no time timed out. MySQL: NOWAIT is set.
    return getattr(cause, "sqlstate", None) == "55P03" or cause.args[0] in (1205, 3572)

"""SQLite: databases are files."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from .surroundings import Surroundings


class Sqlite:
    """The embedded database. It has no process of its own: its work is the server's."""

    title = "SQLite"
    pid = None

    def __init__(self, surroundings: Surroundings):
        self._scratch = surroundings.scratch

    def url(self, database: str) -> str:
        """Where the server finds the database."""
        return f"sqlite://{self._file(database)}"

    def create(self, database: str) -> None:
        """Nothing: migrating makes the file."""

    def copy(self, template: str, database: str) -> None:
        """Makes a database that is the template's twin."""
        # The last connection to the template took its write-ahead log into the file.
        shutil.copyfile(self._file(template), self._file(database))

    def drop(self, database: str) -> None:
        """Removes the database's files."""
        for file in self._scratch.glob(f"{database}.db*"):
            file.unlink()

    def settle(self, database: str) -> None:
        """Nothing: a fresh file has nothing to write out."""

    def analyse(self, database: str) -> None:
        """Nothing: nobody does it."""

    def log_position(self) -> None:
        """SQLite does not count the bytes of its log."""

    def sales(self, database: str) -> tuple[int, int]:
        """Orders, and movements that are sales."""
        with closing(sqlite3.connect(self._file(database))) as connection:
            orders = connection.execute("SELECT count(*) FROM orders")
            movements = connection.execute(
                "SELECT count(*) FROM stock_movements WHERE reason = 'sale'"
            )
            return orders.fetchone()[0], movements.fetchone()[0]

    def settings(self) -> dict[str, str]:
        """As the server sets every connection."""
        return {"journal_mode": "WAL", "synchronous": "FULL"}

    def _file(self, database: str) -> Path:
        return self._scratch / f"{database}.db"

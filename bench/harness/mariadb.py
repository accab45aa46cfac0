"""MariaDB: databases made from a dump, for it has no templates."""

from pathlib import Path
from urllib.parse import urlsplit

from . import processes
from .surroundings import Surroundings


class MariaDb:
    """The throw-away MariaDB server."""

    title = "MariaDB"

    def __init__(self, surroundings: Surroundings):
        self._server = surroundings.mariadb_url.rpartition("/")[0]
        self._scratch = surroundings.scratch
        address = urlsplit(self._server)
        self._login = [
            "--no-defaults",
            f"--host={address.hostname}",
            f"--port={address.port}",
            f"--user={address.username}",
        ]
        self.pid = surroundings.mariadb_pid

    def url(self, database: str) -> str:
        """Where a client finds the database."""
        return f"{self._server}/{database}"

    def create(self, database: str) -> None:
        """Makes an empty database."""
        self._sql(f"CREATE DATABASE {database}")

    def copy(self, template: str, database: str) -> None:
        """Makes a database with all that the template has."""
        dump = self._dump(template)
        if not dump.exists():
            text = processes.run(["mariadb-dump", *self._login, "--hex-blob", template])
            dump.write_text(text)
        self.create(database)
        processes.run(["mariadb", *self._login, database], stdin=dump.read_text())

    def drop(self, database: str) -> None:
        """Removes a database."""
        self._sql(f"DROP DATABASE IF EXISTS {database}")

    def settle(self, database: str) -> None:
        """Nothing: InnoDB has no checkpoint on demand, and its log is bigger than a run."""

    def analyse(self, database: str) -> None:
        """Counts anew, as InnoDB does in its time."""
        self._sql(f"ANALYZE TABLE {database}.books, {database}.book_index")

    def log_position(self) -> int:
        """Bytes of InnoDB's redo log since the server was made."""
        return int(self._sql("SHOW GLOBAL STATUS LIKE 'Innodb_lsn_current'").split()[-1])

    def sales(self, database: str) -> tuple[int, int]:
        """Orders, and movements that are sales."""
        counts = self._sql(
            f"SELECT (SELECT count(*) FROM {database}.orders), "
            f"(SELECT count(*) FROM {database}.stock_movements WHERE reason = 'sale')"
        )
        orders, movements = counts.split()
        return int(orders), int(movements)

    def version(self) -> str:
        """The server's version."""
        return self._sql("SELECT version()").strip()

    def settings(self) -> dict[str, str]:
        """The settings that figures depend on."""
        names = (
            "innodb_flush_log_at_trx_commit",
            "innodb_buffer_pool_size",
            "innodb_log_file_size",
            "innodb_flush_method",
            "sync_binlog",
            "log_bin",
        )
        return {name: self._sql(f"SELECT @@{name}").strip() for name in names}

    def _dump(self, template: str) -> Path:
        return self._scratch / f"{template}.sql"

    def _sql(self, statements: str) -> str:
        options = ["--batch", "--skip-column-names"]
        return processes.run(["mariadb", *self._login, *options], stdin=statements)

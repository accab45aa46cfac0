"""PostgreSQL: databases made from templates, and what the server did meanwhile."""

from . import processes
from .surroundings import Surroundings


class Postgres:
    """The throw-away PostgreSQL server."""

    title = "PostgreSQL"

    def __init__(self, surroundings: Surroundings):
        self._server = surroundings.postgres_url.rpartition("/")[0]
        self._psql = surroundings.postgres_programs / "psql"
        self.pid = surroundings.postgres_pid

    def url(self, database: str) -> str:
        """Where a client finds the database."""
        return f"{self._server}/{database}"

    def create(self, database: str) -> None:
        """Makes an empty database."""
        self.sql("postgres", f"CREATE DATABASE {database}")

    def copy(self, template: str, database: str) -> None:
        """Makes a database that is the template's twin, file by file."""
        command = f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy"
        self.sql("postgres", command)

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected to it."""
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def settle(self, database: str) -> None:
        """Reads the database into memory, as it would be after a day of business, and writes out
        what earlier work left behind, so that no measurement pays for either."""
        self.sql(
            database,
            "CREATE EXTENSION IF NOT EXISTS pg_prewarm;"
            "SELECT sum(pg_prewarm(oid)) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')",
        )
        self.sql("postgres", "CHECKPOINT")

    def analyse(self, database: str) -> None:
        """Does what autovacuum would do in its time."""
        self.sql(database, "VACUUM (ANALYZE)")

    def log_position(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        return int(self.sql("postgres", "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))

    def sales(self, database: str) -> tuple[int, int]:
        """Orders, and movements that are sales."""
        counts = self.sql(
            database,
            "SELECT (SELECT count(*) FROM orders), "
            "(SELECT count(*) FROM stock_movements WHERE reason = 'sale')",
        )
        orders, movements = counts.split("|")
        return int(orders), int(movements)

    def confirmed(self, database: str) -> int:
        """Orders that are placed."""
        return int(self.sql(database, "SELECT count(*) FROM orders WHERE status = 'placed'"))

    def let_holds_run_out(self, database: str) -> None:
        """All that are held, in the same moment, which is now when this returns."""
        self.sql(
            database,
            "UPDATE orders SET expires_at = now() + interval '4 seconds' "
            "WHERE status = 'held'",
        )
        self.sql("postgres", "CHECKPOINT")
        self.sql(
            database,
            "SELECT pg_sleep_until(min(expires_at)) FROM orders WHERE status = 'held'",
        )

    def sweep(self, database: str) -> tuple[int, float] | None:
        """Copies that came back, and the seconds from the first to the last; None while holds that
        ran out are left."""
        left, released, seconds = self.sql(
            database,
            "SELECT (SELECT count(*) FROM orders WHERE status = 'held' "
            "AND expires_at < clock_timestamp()), count(*), "
            "coalesce(extract(epoch FROM max(created_at) - min(created_at)), 0) "
            "FROM stock_movements WHERE reason = 'release'",
        ).split("|")
        return None if int(left) else (int(released), float(seconds))

    def clients(self, database: str) -> list[int]:
        """Ids of the storefronts, in the order in which they were made."""
        query = "SELECT id FROM clients WHERE role = 'storefront' ORDER BY id"
        return [int(row) for row in self.sql(database, query).split()]

    def version(self) -> str:
        """The server's version."""
        return self.sql("postgres", "SHOW server_version").strip()

    def settings(self) -> dict[str, str]:
        """The settings that figures depend on."""
        names = (
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "shared_buffers",
            "max_wal_size",
            "checkpoint_timeout",
            "wal_level",
        )
        return {name: self.sql("postgres", f"SHOW {name}").strip() for name in names}

    def data_folder(self) -> str:
        """Where its files are."""
        return self.sql("postgres", "SHOW data_directory").strip()

    def sql(self, database: str, statements: str) -> str:
        """Runs statements and returns the rows, columns parted by |."""
        options = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-f", "-"]
        return processes.run([self._psql, *options], stdin=statements)

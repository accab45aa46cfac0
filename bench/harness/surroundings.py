"""What scripts/bench prepared: programs, servers, folders. Handed over in the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from .trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"


@dataclass(frozen=True)
class Surroundings:
    """Programs, servers and folders."""

    bookstore: Path
    counters: Path
    postgres_url: str
    postgres_pid: int
    postgres_programs: Path
    mariadb_url: str
    mariadb_pid: int
    # Emptied and removed by scripts/bench.
    scratch: Path


def read() -> Surroundings:
    """Takes the surroundings from the environment."""

    def value(name: str) -> str:
        try:
            return os.environ[name]
        except KeyError:
            raise Trouble(f"{name} is not set: start the benchmark with scripts/bench") from None

    return Surroundings(
        bookstore=Path(value("BENCH_BOOKSTORE")),
        counters=Path(value("BENCH_COUNTERS")),
        postgres_url=value("BOOKSTORE_TEST_POSTGRES_URL"),
        postgres_pid=int(value("BENCH_POSTGRES_PID")),
        postgres_programs=Path(value("BENCH_POSTGRES_PROGRAMS")),
        mariadb_url=value("BOOKSTORE_TEST_MYSQL_URL"),
        mariadb_pid=int(value("BENCH_MARIADB_PID")),
        scratch=Path(value("BENCH_SCRATCH")),
    )

"""Where scripts/peers put things. Outside of it nothing here runs."""

import os
from pathlib import Path

from harness.processes import run

PEERS = Path(__file__).resolve().parents[1]
# What was installed, and logs.
TARGET = Path(os.environ["PEERS_TARGET"])
# Ends in the name of a database; each set-up makes one of its own.
POSTGRES = os.environ["BOOKSTORE_TEST_POSTGRES_URL"]
# Seconds. On a machine that does other things as well, Node.js takes its time to load a shop.
START_PATIENCE = 300


class Database:
    """A new database on the throw-away server."""

    def __init__(self, name: str):
        _psql(POSTGRES, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _psql(POSTGRES, f'CREATE DATABASE "{name}"')
        self.name = name
        self.url = f"{POSTGRES.rpartition('/')[0]}/{name}"

    def row(self, question: str) -> list[str]:
        """The first row of the answer."""
        return _psql(self.url, question).splitlines()[0].split("|")


def _psql(url: str, sql: str) -> str:
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
    return run([*command, "--set=ON_ERROR_STOP=1", f"--command={sql}", url])


def log(name: str) -> Path:
    """The file that a server's words go to."""
    (TARGET / "logs").mkdir(parents=True, exist_ok=True)
    return TARGET / "logs" / f"{name}.log"

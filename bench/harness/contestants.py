"""The HTTP servers that are measured: the bookstore in its variants, and Django."""

import sys
from pathlib import Path

from .plan import Cell
from .processes import Server
from .surroundings import BENCH, Surroundings

LISTENING = "listening on "
# Like gunicorn's own line, after the time and process id.
GUNICORN_LISTENING = "Listening at: "


def start(cell: Cell, database_url: str, surroundings: Surroundings) -> Server:
    """Starts the cell's contestant on a free port."""
    make = _django if cell.contestant == "django" else _bookstore
    return make(cell, database_url, surroundings)


def _bookstore(cell: Cell, database_url: str, surroundings: Surroundings) -> Server:
    environment = {
        "DATABASE_URL": database_url,
        "BOOKSTORE_LISTEN": "127.0.0.1:0",
        "BOOKSTORE_LOG": "warn",
        # Nobody waits as long as a contestant that is slow keeps 256 buyers waiting.
        "BOOKSTORE_REQUEST_TIMEOUT": "60",
    }
    match cell.contestant:
        case "till":
            command = [surroundings.bookstore, "serve"]
        case "single":
            command = [surroundings.bookstore, "serve"]
            environment["BOOKSTORE_BATCH_LIMIT"] = "1"
        case counter:
            command = [surroundings.counters, "--counter", counter]
    environment |= dict(cell.settings)
    return Server(command, environment, _log(surroundings), LISTENING)


def _django(cell: Cell, database_url: str, surroundings: Surroundings) -> Server:
    workers, threads = cell.shape
    command = [
        sys.executable,
        *("-m", "gunicorn", "shop.wsgi"),
        *("--chdir", BENCH / "django_peer"),
        *("--bind", "127.0.0.1:0"),
        # Django is there before the first request, not loaded while the first ones wait.
        "--preload",
        *("--worker-class", "gthread"),
        *("--workers", workers, "--threads", threads),
        # Connections that wait for a thread are kept, not refused and not closed.
        *("--worker-connections", 4096, "--backlog", 4096, "--keep-alive", 75),
        # A worker is not replaced because its buyers wait long.
        *("--timeout", 120, "--no-control-socket"),
    ]
    return Server(command, {"DATABASE_URL": database_url}, _log(surroundings), GUNICORN_LISTENING)


def _log(surroundings: Surroundings) -> Path:
    return surroundings.scratch / "server.log"

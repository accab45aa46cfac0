"""On what it was measured: figures without it mean little."""

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from statistics import median

from . import processes
from .stores import Stores
from .surroundings import BENCH, ROOT, Surroundings
from .trouble import Trouble

_WRITES = 200
_BLOCK = 8192


def about(surroundings: Surroundings, stores: Stores) -> dict[str, str]:
    """Machine and versions, in words."""
    postgres, mariadb = stores.backends["postgres"], stores.backends["mariadb"]
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": f"{_file_system(surroundings.scratch)}; "
        f"{_sync_milliseconds(surroundings.scratch):.2f} ms to write 8 KiB and sync them",
        "bookstore": _commit(),
        "rustc": processes.run(["rustc", "--version"]).split()[1],
        "PostgreSQL": postgres.version(),
        "MariaDB": mariadb.version(),
        "SQLite": _bundled_sqlite(),
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("Django", "gunicorn", "psycopg")},
        "wrk": _wrk_version(),
    }


def settings(stores: Stores) -> dict[str, dict[str, str]]:
    """The databases' settings, by database."""
    return {backend.title: backend.settings() for backend in stores.backends.values()}


def require_disk(surroundings: Surroundings, stores: Stores) -> None:
    """A commit into memory costs nothing: such figures would be wrong."""
    for folder in (surroundings.scratch, Path(stores.backends["postgres"].data_folder())):
        kind = _file_system(folder)
        if kind in ("tmpfs", "ramfs"):
            raise Trouble(
                f"{folder} is in memory ({kind}), where nothing is durable; "
                "set TMPDIR to a folder on a disk that every user may enter"
            )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _file_system(folder: Path) -> str:
    return processes.run(["stat", "--file-system", "--format=%T", folder]).strip()


def _sync_milliseconds(folder: Path) -> float:
    """The median time to write a block and have it on disk: what every commit waits for."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(_WRITES):
            start = time.perf_counter()
            os.pwrite(file.fileno(), bytes(_BLOCK), 0)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return median(times) * 1000


def _commit() -> str:
    commit = processes.run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"]).strip()
    # What the benchmark itself writes changes nothing that is measured.
    results = (BENCH / "RESULTS.md").relative_to(ROOT)
    status = ["git", "-C", ROOT, "status", "--porcelain", "--", ".", f":(exclude){results}"]
    is_changed = processes.run(status).strip()
    return f"commit {commit}{' with changes' if is_changed else ''}"


def _bundled_sqlite() -> str:
    tree = ["cargo", "tree", "--all-features", "--invert", "libsqlite3-sys", "--depth", "0"]
    crate = processes.run([*tree, "--manifest-path", ROOT / "Cargo.toml"]).split()[1]
    return f"as bundled by libsqlite3-sys {crate}"


def _wrk_version() -> str:
    # It prints its version with its usage, and calls that a failure.
    done = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[0].split("[")[0].removeprefix("wrk").strip()

"""Starting, stopping and weighing processes. Stops nothing that it did not start."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .trouble import Trouble

_TICKS = os.sysconf("SC_CLK_TCK")
# Seconds that a server may take to start, if nothing else is said.
_START_PATIENCE = 30
# Seconds that a server may take to end its requests. The bookstore allows itself 30.
_PATIENCE = 40
# Seconds. Any server that serves uses more than a tick of CPU in this time.
_REST_WINDOW = 0.25


def run(command: list, stdin: str | None = None, environment: dict | None = None) -> str:
    """Runs a command to its end and returns what it wrote; its error output tells why it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | (environment or {}),
    )
    if done.returncode != 0:
        output = (done.stderr or done.stdout).strip()
        raise Trouble(f"`{_shown(command)}` failed with exit code {done.returncode}:\n{output}")
    return done.stdout


class Server:
    """A server process that tells on one of its first lines where it listens."""

    def __init__(
        self,
        command: list,
        environment: dict,
        log: Path,
        announcement: str,
        patience: float = _START_PATIENCE,
    ):
        """Waits until a line of the log holds `announcement`; what follows it is `url`."""
        self._log = log
        with log.open("w") as output:
            # Should the harness be killed so that nothing runs, the kernel ends the server.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
                start_new_session=True,
            )
        try:
            self.url = self._announced(announcement, time.monotonic() + patience)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process that was started; workers may be below it."""
        return self._process.pid

    def _announced(self, announcement: str, deadline: float) -> str:
        while time.monotonic() < deadline:
            for line in self._log.read_text(errors="replace").splitlines(keepends=True):
                before, found, after = line.partition(announcement)
                if found and after.endswith("\n"):
                    return after.split()[0]
            try:
                self._process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        raise Trouble(f"a server did not start. Its log:\n{self._log.read_text(errors='replace')}")

    def stop(self) -> None:
        """Lets requests under way end, then ends it."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_PATIENCE)
        # Whatever it left behind in its session.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            parents[int(folder.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_seconds(root: int) -> float:
    """CPU that a process used, with all below it, also those that ended."""
    ticks = 0
    for pid in tree(root):
        fields = _stat(pid)
        if fields:
            # utime, stime, and those of children that were waited for.
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def wait_for_rest(root: int) -> None:
    """Waits until a process and all below it have done what they were asked."""
    deadline = time.monotonic() + _PATIENCE
    windows_at_rest, used = 0, cpu_seconds(root)
    while windows_at_rest < 2:
        if time.monotonic() > deadline:
            raise Trouble(f"a server still works {_PATIENCE} s after the last request")
        time.sleep(_REST_WINDOW)
        before, used = used, cpu_seconds(root)
        # One tick may be a timer's.
        windows_at_rest = windows_at_rest + 1 if used - before <= 1.5 / _TICKS else 0


def memory_mib(root: int, field: str) -> float:
    """VmRSS or VmHWM of a process and all below it, summed. What they share counts for each."""
    return sum(_memory_kib(pid, field) for pid in tree(root)) / 1024


def _memory_kib(pid: int, field: str) -> int:
    for line in _lines(Path(f"/proc/{pid}/status")):
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def _stat(pid: int) -> list[str]:
    """The fields after the program's name (which may hold spaces): state, parent, ..."""
    lines = list(_lines(Path(f"/proc/{pid}/stat")))
    return lines[0].rpartition(")")[2].split() if lines else []


def _lines(path: Path) -> Iterable[str]:
    # A process may end between the listing and the look.
    try:
        return path.read_text(errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _shown(command: list) -> str:
    return " ".join(str(part) for part in command)

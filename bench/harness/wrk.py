"""The load generator for everything that speaks HTTP."""

import itertools
import json
import os
import subprocess
from dataclasses import dataclass

from .plan import PAGES, TITLES
from .stores import Template
from .surroundings import BENCH
from .trouble import Trouble

# On two cores a second one made no difference beyond the noise: 48,000 to 52,000 answers a second
# of a route that does nothing against 54,000 to 55,000, and on routes with a database none at all.
THREADS = 1
# Longer than any answer takes, so that a slow contestant is slow and not in error.
_TIMEOUT = "90s"
_SCRIPTS = {name: name for name in ("baskets", "reads", "holds")} | dict.fromkeys(PAGES, "paths")
_runs = itertools.count(1)


@dataclass(frozen=True)
class Report:
    """What wrk saw. Latencies in milliseconds."""

    accepted: int
    refused: int
    # Connections that failed, and answers that never came.
    errors: int
    # At most this many more were done without an answer that was counted.
    in_flight: int
    seconds: float
    p50: float
    p95: float
    p99: float
    longest: float
    # At most one in a hundred of the accepted took longer than this.
    accepted_p99: float


class Load:
    """A load that is being generated; `report` waits for its end."""

    def __init__(self, load: str, url: str, connections: int, seconds: int, template: Template):
        script = BENCH / "wrk" / f"{_SCRIPTS.get(load, 'purchases')}.lua"
        threads = min(THREADS, connections)
        self._connections = connections
        environment = os.environ | {
            "BENCH_TITLES": str(TITLES),
            "BENCH_STRIDE": str(template.stride),
            "BENCH_PATTERN": load,
            "BENCH_RUN": f"wrk{next(_runs)}",
            "BENCH_TOKENS": ",".join(template.tokens),
            "BENCH_PATHS": str(template.requests / load),
        }
        self._process = subprocess.Popen(
            ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", _TIMEOUT]
            + ["-s", str(script), url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )

    def report(self) -> Report:
        """What came of it."""
        try:
            output, _ = self._process.communicate()
        finally:
            self.stop()
        last = output.strip().rpartition("\n")[2]
        if self._process.returncode != 0 or not last.startswith("{"):
            raise Trouble(f"wrk failed:\n{output}")
        seen = json.loads(last)
        names = ("connect_errors", "read_errors", "write_errors", "timeouts")
        errors = sum(seen[name] for name in names)
        if seen["accepted"] == 0:
            raise Trouble(f"no request was answered with success; wrk saw {last}")
        return Report(
            accepted=seen["accepted"],
            refused=seen["refused"],
            errors=errors,
            # A connection has one request at a time, and is opened anew after an error.
            in_flight=self._connections + errors,
            seconds=seen["seconds"],
            p50=seen["p50_us"] / 1000,
            p95=seen["p95_us"] / 1000,
            p99=seen["p99_us"] / 1000,
            longest=seen["max_us"] / 1000,
            accepted_p99=seen["accepted_p99_us"] / 1000,
        )

    def stop(self) -> None:
        """Ends it early, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

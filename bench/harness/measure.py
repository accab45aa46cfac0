"""One run: a fresh store, one contestant, one load; then the check that all adds up."""

import resource
import time
from dataclasses import dataclass, replace
from functools import partial

from . import contestants, pgbench, processes, verify
from .plan import HOLDS, READS, Cell
from .stores import Copy, Stores
from .surroundings import Surroundings
from .trouble import Trouble, WrongCount
from .wrk import Load, Report

# Seconds of load before a measurement: connections, caches and prepared statements are there then.
WARM_UP = 1
FLASH_SALE_CONNECTIONS = 256
# Seconds that the sweep of all holds may take.
SWEEP_PATIENCE = 120


@dataclass(frozen=True)
class Sample:
    """The figures of one run. Milliseconds, MiB, CPU seconds for a thousand answers."""

    per_second: float
    p50: float
    p95: float
    p99: float
    longest: float
    accepted_p99: float
    refused_share: float
    errors: int
    server_cpu: float
    database_cpu: float
    load_cpu: float
    # Resident at the end and at most; None where there is no server but the database.
    memory: float | None
    peak_memory: float | None
    # Bytes of the database's log for each sale; None if the database does not count them.
    log_bytes: float | None
    # Holds taken back in a second; None where none ran out.
    swept_per_second: float | None = None


class Bench:
    """Runs cells."""

    def __init__(self, stores: Stores, surroundings: Surroundings):
        self._stores = stores
        self._surroundings = surroundings

    def run(self, cell: Cell, seconds: int, has_audit: bool = True) -> Sample:
        """Measures a cell once. WrongCount if what was sold does not add up."""
        with self._stores.fresh(cell.backend, cell.store) as store:
            measure = self._pgbench if cell.contestant == "pgbench" else self._http
            sample, sales = measure(cell, store, seconds)
            verify.sales(self._stores, cell, store, sales)
            if has_audit:
                verify.audit(store, self._surroundings)
            return sample

    def _http(self, cell: Cell, store: Copy, seconds: int) -> tuple[Sample, list[Report]]:
        server = contestants.start(cell, store.url, self._surroundings)
        try:
            load = partial(Load, url=server.url, template=store.template)
            main = partial(load, cell.load, connections=cell.connections)
            # First, so that the warm-up pays for the pages that the log then holds in full.
            self._stores.backends[cell.backend].settle(store.name)
            warm_up = main(seconds=WARM_UP).report()
            # wrk goes without its last answers. A slow server has a queue of such requests, which
            # the measurement must not wait behind.
            processes.wait_for_rest(server.pid)
            if cell.has_sweep:
                self._stores.backends[cell.backend].let_holds_run_out(store.name)
            meters = _Meters(self._stores.backends[cell.backend], server.pid)
            if cell.has_flash_sale:
                sale = load("hot", connections=FLASH_SALE_CONNECTIONS, seconds=seconds)
                try:
                    report = main(seconds=seconds).report()
                    sold = sale.report()
                finally:
                    sale.stop()
            else:
                report = main(seconds=seconds).report()
                sold = None
            sample = meters.sample(report)
            if cell.has_sweep:
                sample = replace(sample, swept_per_second=self._swept(cell, store))
        finally:
            # Waits for requests under way, so that what they sold can be counted.
            server.stop()
        sales = [sold] if sold else []
        if cell.load not in READS:
            sales += [warm_up, report]
        return sample, sales

    def _swept(self, cell: Cell, store: Copy) -> float:
        """Waits until all holds are taken back, and tells how many a second that was."""
        database = self._stores.backends[cell.backend]
        end = time.monotonic() + SWEEP_PATIENCE
        while (sweep := database.sweep(store.name)) is None:
            if time.monotonic() > end:
                raise Trouble(f"holds are left {SWEEP_PATIENCE} s after they ran out")
            time.sleep(0.2)
        released, seconds = sweep
        if released != HOLDS:
            raise WrongCount(f"{released} copies came back from {HOLDS} holds")
        return released / seconds

    def _pgbench(self, cell: Cell, store: Copy, seconds: int) -> tuple[Sample, list[Report]]:
        database = self._stores.backends[cell.backend]
        where = {"store": store, "postgres": database, "surroundings": self._surroundings}
        run = partial(pgbench.run, cell.load, cell.connections, **where)
        database.settle(store.name)
        warm_up = run(seconds=WARM_UP)
        meters = _Meters(database, server=None)
        report = run(seconds=seconds)
        return meters.sample(report), [warm_up, report]


class _Meters:
    """What server, database and load generator use from now on."""

    def __init__(self, database, server: int | None):
        self._database = database
        self._server = server
        # Asked before the CPU is, which asking uses.
        self._log_position = database.log_position()
        self._cpu = self._cpu_now()

    def sample(self, report: Report) -> Sample:
        """The figures of a load that just ended."""
        used = [now - then for now, then in zip(self._cpu_now(), self._cpu)]
        server_cpu, database_cpu, load_cpu = (cpu * 1000 / report.accepted for cpu in used)
        log_bytes = None
        if self._log_position is not None:
            log_bytes = (self._database.log_position() - self._log_position) / report.accepted
        return Sample(
            per_second=report.accepted / report.seconds,
            p50=report.p50,
            p95=report.p95,
            p99=report.p99,
            longest=report.longest,
            accepted_p99=report.accepted_p99,
            refused_share=report.refused / (report.accepted + report.refused),
            errors=report.errors,
            server_cpu=server_cpu,
            database_cpu=database_cpu,
            load_cpu=load_cpu,
            memory=processes.memory_mib(self._server, "VmRSS") if self._server else None,
            peak_memory=processes.memory_mib(self._server, "VmHWM") if self._server else None,
            log_bytes=log_bytes,
        )

    def _cpu_now(self) -> tuple[float, float, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            processes.cpu_seconds(self._server) if self._server else 0.0,
            processes.cpu_seconds(self._database.pid) if self._database.pid else 0.0,
            children.ru_utime + children.ru_stime,
        )

"""The promise, checked after every run: a figure counts only if the number of copies is right."""

import json
import os
import subprocess

from .plan import Cell
from .stores import Copy, Stores
from .surroundings import Surroundings
from .trouble import Trouble, WrongCount
from .wrk import Report


def sales(stores: Stores, cell: Cell, store: Copy, reports: list[Report]) -> None:
    """What was acknowledged must be in the database; beyond it only what was in flight."""
    acknowledged = sum(report.accepted for report in reports)
    in_flight = sum(report.in_flight for report in reports)
    orders, movements = stores.backends[cell.backend].sales(store.name)
    sold = orders - store.template.orders
    lines = (movements - store.template.orders) / cell.lines
    if sold != lines:
        raise WrongCount(f"{sold} orders have lines for {lines}")
    # What is held and not confirmed was not sold.
    if cell.load == "holds":
        sold = stores.backends[cell.backend].confirmed(store.name)
    # The ceiling's sales never reach a database.
    is_counted = cell.contestant != "ceiling"
    if is_counted and not acknowledged <= sold <= acknowledged + in_flight:
        raise WrongCount(
            f"{acknowledged} sales were acknowledged, at most {in_flight} more were in flight, "
            f"and {sold} are in the database"
        )


def audit(store: Copy, surroundings: Surroundings) -> None:
    """`bookstore audit` must find nothing."""
    done = subprocess.run(
        [surroundings.bookstore, "audit", "--format", "json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | {"DATABASE_URL": store.url, "BOOKSTORE_LOG": "warn"},
    )
    if done.returncode not in (0, 1):
        raise Trouble(f"the audit could not be done:\n{done.stderr}")
    report = json.loads(done.stdout)
    if not report["ok"]:
        findings = report["findings"]
        raise WrongCount(f"the audit has {len(findings)} findings; the first one: {findings[0]}")
    if report["warnings"]:
        raise Trouble(f"the audit warns, so this is no durable server: {report['warnings']}")

"""pgbench: the same sale, or hold and confirmation, straight into the database."""

import itertools
import re

from . import processes
from .plan import TITLES
from .postgres import Postgres
from .stores import STOREFRONTS, Copy
from .surroundings import BENCH, Surroundings
from .trouble import Trouble
from .wrk import Report

_runs = itertools.count(1)


def run(
    load: str,
    clients: int,
    seconds: int,
    store: Copy,
    postgres: Postgres,
    surroundings: Surroundings,
) -> Report:
    """Sells for some seconds. pgbench ends what it began, so that nothing is in flight after it."""
    titles = TITLES if load == "even" else 1
    script = "hold" if load == "holds" else "purchase"
    variables = {
        "titles": titles,
        "storefronts": STOREFRONTS,
        "first_storefront": postgres.clients(store.name)[0],
        "run": next(_runs),
        "number": 0,
    }
    output = processes.run(
        [
            surroundings.postgres_programs / "pgbench",
            *("--no-vacuum", "--protocol=prepared"),
            *(f"--client={clients}", f"--jobs={min(clients, 2)}", f"--time={seconds}"),
            *(f"--define={name}={value}" for name, value in variables.items()),
            f"--file={BENCH / 'pgbench' / script}.sql",
            store.url,
        ]
    )
    done = int(_found(r"transactions actually processed: (\d+)", output))
    failed = int(_found(r"number of failed transactions: (\d+)", output))
    average = float(_found(r"latency average = ([\d.]+) ms", output))
    rate = float(_found(r"tps = ([\d.]+) \(without initial connection time\)", output))
    if failed:
        raise Trouble(f"{failed} of pgbench's transactions failed:\n{output}")
    return Report(
        accepted=done,
        refused=0,
        errors=0,
        in_flight=0,
        seconds=done / rate,
        # pgbench tells the mean only.
        p50=average,
        p95=float("nan"),
        p99=float("nan"),
        longest=float("nan"),
        accepted_p99=float("nan"),
    )


def _found(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    if match is None:
        raise Trouble(f"pgbench's answer has no `{pattern}`:\n{output}")
    return match.group(1)

"""What is measured: scenarios, and in each the cells that are compared with one another.

A cell is one contestant under one load. Ratios are only ever taken within a scenario, whose cells
run interleaved, so that both sides meet the same noise of the machine.
"""

from dataclasses import dataclass, replace

SCENARIOS = {
    "hot": "one title with plenty of copies; 1, 16 and 256 connections; all contestants",
    "spread": "1,000 titles, each as likely; 256 connections; all contestants",
    "zipf": "1,000 titles, the k-th with weight 1/k; 256 connections",
    "baskets": "orders of five lines over 1,000 titles; 256 connections",
    "mariadb": "hot and spread on MariaDB; 256 connections",
    "sqlite": "hot and spread on SQLite; 256 connections",
    "idle": "latency of one buyer alone",
    "reads": "single books, 64 connections; also while a hot title sells",
    "overload": "four times as many buyers as there is room for, patient and impatient",
    "holds": "one title, 256 connections: a copy held and confirmed, two requests, counted once",
    "sweep": "one title, 256 connections, while 100,000 holds run out in the same moment",
    "search": "pages of 1,000,000 titles, by words and without; 4 connections; each database",
    "growth": "hot and spread with no orders, and with 1,000,000 books and 5,000,000 orders",
}

# Orders that may wait, and that may share a transaction, in the small till of the overload scenario.
SMALL = 128
SMALL_TILL = (("BOOKSTORE_BATCH_LIMIT", str(SMALL)), ("BOOKSTORE_QUEUE_LIMIT", str(SMALL)))
TITLES = 1_000
# Of the hot title, in the store of the sweep scenario.
HOLDS = 100_000

# Loads that read pages of books, all of them or those that a search finds.
PAGES = ("pages", "search")
# Loads that sell nothing.
READS = ("reads", *PAGES)
BACKENDS = ("postgres", "mariadb", "sqlite")

# Tried once before the rounds; the best one competes.
PGBENCH_CLIENTS = (1, 2, 4, 8, 16, 32, 64)
# Worker processes x threads of gunicorn.
DJANGO_SHAPES = ((2, 2), (2, 4), (2, 8), (3, 4), (4, 2), (4, 4))
DJANGO_CONNECTIONS = (16, 64, 256)


@dataclass(frozen=True)
class Cell:
    """One contestant under one load."""

    scenario: str
    # till, single (batches of one), plain (no till), ceiling (no database), django, pgbench.
    contestant: str
    # hot, even, zipf, baskets, reads, holds, pages, search, or patient: hot, by buyers who heed
    # Retry-After.
    load: str
    connections: int = 256
    backend: str = "postgres"
    store: str = "small"
    settings: tuple[tuple[str, str], ...] = ()
    # gunicorn's worker processes and threads.
    shape: tuple[int, int] = (0, 0)
    # Whether a hot title sells at 256 connections meanwhile.
    has_flash_sale: bool = False
    # Whether the store's holds run out when the measurement begins.
    has_sweep: bool = False

    @property
    def lines(self) -> int:
        """Lines of each order."""
        return 5 if self.load == "baskets" else 1

    @property
    def name(self) -> str:
        """Unique within the scenario; for people and for results.json."""
        words = [NAMES[self.contestant]]
        if self.scenario in ("mariadb", "sqlite", "growth"):
            words.append("hot" if self.load == "hot" else "spread")
        if self.scenario == "search":
            words = [BACKEND_NAMES[self.backend], "search" if self.load == "search" else "all books"]
        if self.store == "large":
            words.append("5,000,000 orders")
        words.append(f"{self.connections} conn.")
        if self.has_flash_sale:
            words.append("during a flash sale")
        if self.has_sweep:
            words.append(f"{HOLDS:,} holds run out")
        if self.settings:
            words.append(f"room for {2 * SMALL}")
        if self.load == "patient":
            words.append("patient")
        return ", ".join(words)


BACKEND_NAMES = {"postgres": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}
NAMES = {
    "till": "bookstore",
    "single": "batches of one",
    "plain": "no till",
    "ceiling": "HTTP ceiling",
    "django": "Django",
    "pgbench": "pgbench",
}


def cells(scenario: str, is_quick: bool, best: dict[tuple[str, str], Cell]) -> list[Cell]:
    """The cells of a scenario. `best` has the peers that a probe chose, by contestant and load."""

    def peers(load: str) -> list[Cell]:
        return [replace(best[name, load], scenario=scenario) for name in ("pgbench", "django")]

    def cell(contestant: str, load: str, **more) -> Cell:
        return Cell(scenario, contestant, load, **more)

    match scenario:
        case "hot":
            ours = [cell("till", "hot", connections=count) for count in (1, 16, 256)]
            ours += [cell("single", "hot", connections=count) for count in (1, 16, 256)]
            return [*ours, *peers("hot"), cell("ceiling", "hot")]
        case "spread":
            ours = [cell("till", "even"), cell("single", "even"), cell("ceiling", "even")]
            return [*ours, *peers("even")]
        case "zipf" | "baskets":
            return [cell("till", scenario), cell("single", scenario)]
        case "mariadb" | "sqlite":
            return [
                cell(contestant, load, backend=scenario)
                for load in ("hot", "even")
                for contestant in ("till", "single")
            ]
        case "idle":
            return [cell(contestant, "hot", connections=1) for contestant in ("till", "plain")]
        case "reads":
            django = replace(best["django", "hot"], scenario=scenario, load="reads", connections=64)
            ours = cell("till", "reads", connections=64)
            during = [replace(one, has_flash_sale=True) for one in (ours, django)]
            return [ours, django, *during]
        case "overload":
            few, many = 2 * SMALL, 8 * SMALL
            return [
                cell("till", "patient", connections=few, settings=SMALL_TILL),
                cell("till", "patient", connections=many, settings=SMALL_TILL),
                cell("till", "hot", connections=many, settings=SMALL_TILL),
                cell("till", "hot", connections=few),
                cell("till", "hot", connections=many),
            ]
        case "holds":
            return [cell("till", "holds"), replace(best["pgbench", "holds"], scenario=scenario)]
        case "sweep":
            return [
                cell("till", "hot", store="held", has_sweep=has_sweep)
                for has_sweep in (False, True)
            ]
        case "search":
            return [
                cell("till", load, connections=4, backend=backend, store="titles")
                for backend in BACKENDS
                for load in PAGES
            ]
        case "growth":
            stores = ("small",) if is_quick else ("small", "large")
            return [cell("till", load, store=store) for load in ("hot", "even") for store in stores]
    raise AssertionError(scenario)


def probes(contestant: str, load: str) -> list[Cell]:
    """The shapes among which a peer's best is looked for."""
    if contestant == "pgbench":
        return [Cell("probe", contestant, load, connections=count) for count in PGBENCH_CLIENTS]
    return [Cell("probe", contestant, load, shape=shape) for shape in DJANGO_SHAPES]


def needed_peers(scenarios: tuple[str, ...]) -> list[tuple[str, str]]:
    """Contestant and load of each peer whose best shape these scenarios need."""
    needed = []
    if "hot" in scenarios:
        needed += [("pgbench", "hot"), ("django", "hot")]
    elif "reads" in scenarios:
        needed += [("django", "hot")]
    if "spread" in scenarios:
        needed += [("pgbench", "even"), ("django", "even")]
    if "holds" in scenarios:
        needed += [("pgbench", "holds")]
    return needed

"""Stores to sell from: each is made once, as a template, and copied for every run.

The small store is made by the bookstore's own commands, the large one grows out of it by SQL. No
table of the small store is analysed: `ANALYZE` on an empty table makes PostgreSQL keep plans for
its foreign keys that scan whole tables.
"""

import csv
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from . import processes, titles
from .mariadb import MariaDb
from .plan import HOLDS, TITLES
from .postgres import Postgres
from .sqlite import Sqlite
from .surroundings import BENCH, Surroundings
from .trouble import Trouble

STOREFRONTS = 16
# Of each title: more than any run can sell.
COPIES = 1_000_000_000
LARGE_BOOKS = 1_000_000
LARGE_ORDERS = 5_000_000

type_of = {"postgres": Postgres, "mariadb": MariaDb, "sqlite": Sqlite}


@dataclass(frozen=True)
class Template:
    """A store that copies are made from."""

    name: str
    tokens: tuple[str, ...]
    # Distance between the ids of the titles that are sold.
    stride: int
    orders: int
    # A folder of files with paths to ask for.
    requests: Path


@dataclass(frozen=True)
class Copy:
    """A store for one run."""

    name: str
    url: str
    template: Template


class Stores:
    """All databases of the benchmark."""

    def __init__(self, surroundings: Surroundings):
        self._surroundings = surroundings
        self.backends = {name: kind(surroundings) for name, kind in type_of.items()}
        self._templates: dict[tuple[str, str], Template] = {}
        self._numbers = itertools.count(1)

    def prepare(self, backend: str, store: str) -> Template:
        """The template of a store, made when it is first asked for."""
        key = backend, store
        if key not in self._templates:
            make = {
                "small": self._make_small,
                "held": self._make_held,
                "large": self._make_large,
                "titles": self._make_titles,
            }
            self._templates[key] = make[store](backend)
        return self._templates[key]

    @contextmanager
    def fresh(self, backend: str, store: str) -> Iterator[Copy]:
        """A store that nobody has sold from; gone afterwards."""
        template = self.prepare(backend, store)
        database = self.backends[backend]
        if store == "titles":
            # Nobody sells from it: the next one finds it as the first one did.
            yield Copy(template.name, database.url(template.name), template)
            return
        name = f"bench_run_{next(self._numbers)}"
        try:
            database.copy(template.name, name)
            yield Copy(name, database.url(name), template)
        finally:
            database.drop(name)

    def _make_small(self, backend: str) -> Template:
        database = self.backends[backend]
        name = "bench_small"
        database.create(name)
        bookstore = partial(self._bookstore, database.url(name))
        bookstore("migrate")
        catalogue = self._surroundings.scratch / "catalogue.csv"
        with catalogue.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("isbn", "title", "author", "price", "quantity"))
            for number in range(1, TITLES + 1):
                title = f"The Book of {number}", f"Author {number % 97}"
                rows.writerow((isbn(number), *title, f"{5 + number % 30}.99", COPIES))
        bookstore("import", catalogue)
        storefront = "token", "create", "--role", "storefront", "--name"
        tokens = [
            bookstore(*storefront, f"storefront {number}").strip()
            for number in range(1, STOREFRONTS + 1)
        ]
        return Template(name, tuple(tokens), 1, 0, requests=self._surroundings.scratch)

    def _bookstore(self, url: str, *arguments) -> str:
        environment = {"DATABASE_URL": url, "BOOKSTORE_LOG": "warn"}
        command = [self._surroundings.bookstore, *arguments]
        return processes.run(command, environment=environment)

    def _make_titles(self, backend: str) -> Template:
        database = self.backends[backend]
        name = "bench_titles"
        catalogue = self._surroundings.scratch / "titles.csv"
        if not catalogue.exists():
            titles.write_catalogue(catalogue, isbn)
            titles.write_requests(self._surroundings.scratch)
        database.create(name)
        url = database.url(name)
        self._bookstore(url, "migrate")
        self._bookstore(url, "import", catalogue)
        # As it would be after a night.
        database.analyse(name)
        return Template(name, ("none",), 1, 0, requests=self._surroundings.scratch)

    def _make_held(self, backend: str) -> Template:
        small = self.prepare(backend, "small")
        database = self.backends[backend]
        name = "bench_held"
        database.copy(small.name, name)
        settings = f"\\set holds {HOLDS}\n"
        database.sql(name, settings + (BENCH / "sql" / "holds.sql").read_text())
        return replace(small, name=name, orders=HOLDS)

    def _make_large(self, backend: str) -> Template:
        small = self.prepare(backend, "small")
        database = self.backends[backend]
        name = "bench_large"
        database.copy(small.name, name)
        settings = (
            f"\\set books {LARGE_BOOKS}\n\\set orders {LARGE_ORDERS}\n\\set copies {COPIES}\n"
        )
        database.sql(name, settings + (BENCH / "sql" / "grow.sql").read_text())
        # Puts the books into the index, which else the server would do while it is measured.
        self._bookstore(database.url(name), "migrate")
        orders, _ = database.sales(name)
        if orders != LARGE_ORDERS:
            raise Trouble(f"the large store has {orders} orders instead of {LARGE_ORDERS}")
        return replace(small, name=name, stride=LARGE_BOOKS // TITLES, orders=orders)


def isbn(number: int) -> str:
    """The number-th ISBN-13 under 978. grow.sql makes the same ones."""
    digits = f"978{number:09}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, itertools.cycle((1, 3))))
    return f"{digits}{-total % 10}"

"""Which runs make a table, and what a set-up of a peer is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .buyers import Run
from .shop import Shop

COPIES, ATTEMPTS, BUYERS = 100, 400, 32
# Enough of both to show, one buyer after another, what is by design.
_FEW_COPIES, _FEW_ATTEMPTS = 24, 36


@dataclass(frozen=True)
class SetUp:
    """A way to run a peer: one table."""

    title: str
    # For the page: versions, processes, what was chosen.
    describe: Callable[[], str]
    # A new shop in a new database, gone afterwards.
    open: Callable[[], AbstractContextManager[Shop]]
    runs: tuple[Run, ...]


def runs_alone() -> tuple[Run, ...]:
    """One buyer after another, with whole checkouts and with full baskets first."""
    return tuple(
        Run(_FEW_COPIES, _FEW_ATTEMPTS, 1, baskets_first) for baskets_first in (False, True)
    )


def runs_at_once(copies: int = COPIES, attempts: int = ATTEMPTS) -> tuple[Run, ...]:
    """The same with many buyers at once."""
    return tuple(Run(copies, attempts, BUYERS, baskets_first) for baskets_first in (False, True))


def all_runs() -> tuple[Run, ...]:
    """Of a shop that is fast enough for them."""
    return (*runs_alone(), *runs_at_once())

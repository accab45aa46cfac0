"""Buyers who buy one copy each: some at once, some only when everybody stands at the till."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .shop import Account, Refused, Shop

ORDERED, REFUSED, FAILED = "ordered", "refused", "failed"
# Seconds that a shop's tables have to stay the same to be believed, and to wait for that at most.
_REST, _PATIENCE = 5, 60


@dataclass(frozen=True)
class Run:
    """One row of the table."""

    copies: int
    # Who buy, in all, and how many of them do so at the same time.
    attempts: int
    buyers: int
    # Nobody presses the last button before everybody stands before it.
    baskets_first: bool


@dataclass
class Outcome:
    """What the buyers were told, and what the shop's tables say."""

    run: Run
    told: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    account: Account = Account(0, "")
    # When whoever was refused at the last button pressed it once more.
    told_again: Counter = field(default_factory=Counter)
    account_again: Account = Account(0, "")


def race(shop: Shop, run: Run, limit: float) -> Outcome:
    """Does `run`; nobody begins to buy after `limit` seconds."""
    return _Race(shop, run, time.monotonic() + limit).outcome


class _Race:
    def __init__(self, shop: Shop, run: Run, deadline: float):
        self._shop = shop
        self._run = run
        self._deadline = deadline
        self._product = shop.stock(run.copies)
        # Of whoever got as far as the last button.
        self._baskets: dict[int, Any] = {}
        self._lock = threading.Lock()
        self.outcome = outcome = Outcome(run)
        outcome.seconds = self._buy()
        outcome.account = self._settled()
        self._at_once(partial(self._press, outcome.told_again), list(self._baskets))
        outcome.account_again = self._settled()

    def _buy(self) -> float:
        """Seconds; those of the last button, if all wait for it."""
        everybody = range(self._run.attempts)
        started = time.monotonic()
        if self._run.baskets_first:
            self._at_once(self._fill, everybody)
            started = time.monotonic()
            self._at_once(self._press_first, list(self._baskets))
        else:
            self._at_once(lambda buyer: self._fill(buyer) and self._press_first(buyer), everybody)
        return time.monotonic() - started

    def _at_once(self, act: Callable[[int], Any], buyers: Iterable[int]) -> None:
        """`act` for each of `buyers`, as many at a time as the run says."""

        def unless_late(buyer: int) -> None:
            if time.monotonic() < self._deadline:
                act(buyer)

        with ThreadPoolExecutor(self._run.buyers) as pool:
            # `list` raises what a thread raised.
            list(pool.map(unless_late, buyers))

    def _fill(self, buyer: int) -> bool:
        def fill() -> None:
            self._baskets[buyer] = self._shop.fill(self._product)

        return self._is_done(fill, self.outcome.told)

    def _press_first(self, buyer: int) -> None:
        self._press(self.outcome.told, buyer)

    def _press(self, told: Counter, buyer: int) -> None:
        """The last button. Whoever has an order leaves; the others may come back."""
        basket = self._baskets[buyer]
        if self._is_done(lambda: self._shop.pay(basket), told):
            with self._lock:
                told[ORDERED] += 1
                del self._baskets[buyer]

    def _is_done(self, step: Callable[[], None], told: Counter) -> bool:
        """Whether the shop did not say no."""
        try:
            step()
            return True
        except Refused as refusal:
            word, reason = REFUSED, str(refusal)
        except (OSError, http.client.HTTPException) as error:
            word, reason = FAILED, f"{type(error).__name__}: {error}"
        with self._lock:
            told[word] += 1
            self.outcome.reasons[reason] += 1
        return False

    def _settled(self) -> Account:
        """The shop's tables, when nothing that it does afterwards changes them any more."""
        patience = time.monotonic() + _PATIENCE
        account, since = self._shop.account(self._product), time.monotonic()
        while time.monotonic() < min(since + _REST, patience):
            time.sleep(0.5)
            latest = self._shop.account(self._product)
            if latest != account:
                account, since = latest, time.monotonic()
        return account

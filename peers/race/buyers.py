"""Buyers who buy one copy each: some at once, some only when everybody stands at the till."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .shop import Account, Refused, Shop

ORDERED, ORDERED_LATER, REFUSED, FAILED = "ordered", "ordered later", "refused", "failed"


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


def race(shop: Shop, run: Run, limit: float) -> Outcome:
    """Does `run`; nobody begins to buy after `limit` seconds."""
    product = shop.stock(run.copies)
    outcome = Outcome(run)
    deadline = time.monotonic() + limit
    lock = threading.Lock()

    def note(word: str, reason: str = "") -> None:
        with lock:
            outcome.told[word] += 1
            if reason:
                outcome.reasons[reason] += 1

    started = time.monotonic()
    if run.baskets_first:
        # As many at once as later; a basket takes no copy away in any of these shops.
        baskets = [None] * run.attempts

        def fill(index: int) -> None:
            baskets[index] = _guarded(lambda: shop.fill(product), note)

        _at_once(fill, run, deadline)
        started = time.monotonic()
        _at_once(lambda index: _press(shop, baskets[index], note), run, deadline)
    else:
        _at_once(
            lambda index: _press(shop, _guarded(lambda: shop.fill(product), note), note),
            run,
            deadline,
        )
    outcome.seconds = time.monotonic() - started
    outcome.account = shop.account(product)
    return outcome


def _at_once(act: Callable[[int], None], run: Run, deadline: float) -> None:
    """`act` for each attempt, `run.buyers` at a time."""

    def unless_late(index: int) -> None:
        if time.monotonic() < deadline:
            act(index)

    with ThreadPoolExecutor(run.buyers) as pool:
        # `list` raises what a thread raised.
        list(pool.map(unless_late, range(run.attempts)))


def _press(shop: Shop, basket: Any, note: Callable[..., None]) -> None:
    """The last button; whoever is told no presses it once more, as people and clients do."""
    if basket is None:
        return
    try:
        shop.pay(basket)
        note(ORDERED)
    except (Refused, OSError, http.client.HTTPException) as first:
        if _guarded(lambda: shop.pay(basket) or True, note):
            note(ORDERED_LATER, f"at first: {first}")


def _guarded(step: Callable[[], Any], note: Callable[..., None]) -> Any:
    """What `step` returns; nothing, and a note, if the shop says no."""
    try:
        return step()
    except Refused as refusal:
        note(REFUSED, str(refusal))
    except (OSError, http.client.HTTPException) as error:
        note(FAILED, f"{type(error).__name__}: {error}")
    return None

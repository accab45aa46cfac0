"""A race: real threads, each with a connection of its own, one gate."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

from django.db import Error, connection

from .models import Book
from .sales import SoldOut, TurnedAway

BUYERS = 8


@dataclass(frozen=True)
class Outcome:
    """Who was told what, and what the row said in the end."""

    copies: int
    left: int
    sold: int
    sold_out: int
    turned_away: int
    # The database's own errors, all that the buyer was told.
    failed: int

    @property
    def lost(self) -> int:
        """Copies whose buyers were told that they have them and that left no trace."""
        return self.sold - (self.copies - self.left)

    @property
    def oversold(self) -> int:
        """Copies sold beyond what was there."""
        return max(0, self.sold - self.copies)


def run(sale, copies: int, purchases: int = 80) -> Outcome:
    """Lets all buyers try `purchases` together, one copy each."""
    book = Book.objects.create(title="The one that everybody wants", quantity=copies)
    gate = Barrier(BUYERS)

    def buyer() -> Counter:
        try:
            connection.ensure_connection()
            gate.wait()
            return Counter(_ask(sale, book.pk) for _ in range(purchases // BUYERS))
        finally:
            connection.close()

    with ThreadPoolExecutor(BUYERS) as threads:
        told = sum((one.result() for one in [threads.submit(buyer) for _ in range(BUYERS)]), Counter())
    book.refresh_from_db()
    answers = {answer: told[answer] for answer in ("sold", "sold_out", "turned_away", "failed")}
    return Outcome(copies=copies, left=book.quantity, **answers)


def _ask(sale, book_id: int) -> str:
    try:
        sale(book_id)
    except SoldOut:
        return "sold_out"
    except TurnedAway:
        return "turned_away"
    except Error:
        return "failed"
    return "sold"

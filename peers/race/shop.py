"""What a shop is to the buyers: a way to fill a basket, a last button, and its own books."""

from dataclasses import dataclass
from typing import Any, Protocol


class Refused(Exception):
    """The shop said no, in an orderly answer or in another one. The message says which."""


@dataclass(frozen=True)
class Account:
    """What a shop's own tables say of one product afterwards."""

    # Copies in its orders, none of which is cancelled.
    sold: int
    # Its stock counter, in its own words.
    counter: str


class Shop(Protocol):
    """One peer, set up and running."""

    def stock(self, copies: int) -> Any:
        """Puts a new product with so many copies on sale, by the shop's own means."""

    def fill(self, product: Any) -> Any:
        """A new buyer with one copy in the basket goes to the checkout, up to the last button."""

    def pay(self, basket: Any) -> None:
        """Presses the last button. Returns if the shop says that the order is placed."""

    def account(self, product: Any) -> Account:
        """Reads the shop's tables."""

"""The bookstore of this repository, under the same buyers: a hold, and then its confirmation."""

import itertools
import os
import uuid
from contextlib import contextmanager

from harness.processes import Server, run

from .plan import SetUp, all_runs
from .shop import Account, Refused
from .surroundings import Database, log
from .web import Browser, Page

_PROGRAM = os.environ["PEERS_BOOKSTORE"]


@contextmanager
def _open():
    database = Database("bookstore")
    environment = {"DATABASE_URL": database.url, "BOOKSTORE_LISTEN": "127.0.0.1:0"}
    run([_PROGRAM, "migrate"], environment=environment)
    create = [_PROGRAM, "token", "create", "--role", "admin", "--name", "peers"]
    token = run(create, environment=environment).strip()
    server = Server([_PROGRAM, "serve"], environment, log("bookstore"), "listening on ")
    try:
        yield Bookstore(server.url, database, token)
    finally:
        server.stop()


def _describe() -> str:
    return f"{run([_PROGRAM, '--version']).strip()}. One process, its defaults."


class Bookstore:
    """The shop, as buyers see it."""

    def __init__(self, url: str, database: Database, token: str):
        self._url = url
        self._database = database
        self._headers = {"Authorization": f"Bearer {token}"}
        self._numbers = itertools.count(1)

    def stock(self, copies: int) -> int:
        """As an admin does."""
        digits = f"978{next(self._numbers):09}"
        odd, even = (sum(map(int, digits[start::2])) for start in (0, 1))
        book = {
            "isbn": f"{digits}{-(odd + 3 * even) % 10}",
            "title": "A book",
            "author": "Ada Reader",
            "price": {"amount": 1000},
            "quantity": copies,
        }
        return _expect(201, Browser(self._url, self._headers).post_json("/v1/books", book)).json()[
            "id"
        ]

    def fill(self, product: int) -> tuple[Browser, str]:
        """The copy is off the shelf from here on."""
        browser = Browser(self._url, self._headers | {"Idempotency-Key": str(uuid.uuid4())})
        order = {"lines": [{"book_id": product, "quantity": 1}], "hold_seconds": 3600}
        held = _expect(201, browser.post_json("/v1/orders", order))
        browser.rest()
        return browser, held.json()["id"]

    def pay(self, basket: tuple[Browser, str]) -> None:
        """Confirms the hold."""
        browser, order = basket
        with browser:
            _expect(200, browser.post_json(f"/v1/orders/{order}/confirm", {}))

    def account(self, product: int) -> Account:
        """Orders, and the book's row."""
        sold, quantity = self._database.row(f"""
            SELECT (SELECT coalesce(-sum(delta), 0) FROM stock_movements m
                    JOIN orders o ON o.id = m.order_id
                    WHERE m.book_id = {product} AND m.reason = 'sale' AND o.status = 'placed'),
                   quantity
            FROM books WHERE id = {product}
            """)
        return Account(int(sold), f"{quantity} left")


def _expect(status: int, page: Page) -> Page:
    if page.status != status:
        raise Refused(f"{page.status} {page.json().get('title')}")
    return page


SET_UPS = (SetUp("The bookstore", _describe, _open, all_runs()),)

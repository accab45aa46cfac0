"""django-oscar: its own pages, from the basket to "thank you", by its own forms."""

import itertools
from contextlib import contextmanager
from dataclasses import dataclass

from harness.processes import Server, run

from .plan import SetUp, all_runs
from .shop import Account, Refused
from .surroundings import PEERS, TARGET, Database, log
from .web import Browser, Page

_PYTHON = TARGET / "oscar-venv" / "bin" / "python"
_WORKERS, _THREADS = 4, 8
_ADDRESS = {
    "first_name": "Ada",
    "last_name": "Reader",
    "line1": "1 Library Lane",
    "line4": "Utrecht",
    "postcode": "3511 AA",
    "country": "NL",
}


@contextmanager
def _open():
    database = Database("oscar")
    environment = {
        "DATABASE_URL": database.url,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONPATH": str(PEERS / "oscar"),
    }
    run([_PYTHON, "-m", "django", "migrate", "--verbosity=0"], environment=environment)
    command = [
        *(_PYTHON, "-m", "gunicorn", "shop.wsgi", "--bind", "127.0.0.1:0", "--preload"),
        *("--worker-class", "gthread", "--workers", _WORKERS, "--threads", _THREADS),
        *("--timeout", 120, "--no-control-socket"),
    ]
    server = Server(command, environment, log("oscar"), "Listening at: ")
    try:
        yield Oscar(server.url, database, environment)
    finally:
        server.stop()


def _describe() -> str:
    names = ("django-oscar", "Django", "gunicorn", "psycopg")
    ask = "from importlib.metadata import version as v; import sys; print(*map(v, sys.argv[1:]))"
    versions = run([_PYTHON, "-c", ask, *names]).split()
    return (
        f"{', '.join(map(' '.join, zip(names, versions)))}. {_WORKERS} processes of {_THREADS} "
        "threads, `ATOMIC_REQUESTS`, buyers without an account, no payment (Oscar's default)."
    )


@dataclass
class Basket:
    """One at the preview page: the last button is before the buyer's eyes."""

    browser: Browser
    token: str


class Oscar:
    """The shop, as buyers see it."""

    def __init__(self, url: str, database: Database, environment: dict[str, str]):
        self._url = url
        self._database = database
        self._environment = environment
        self._numbers = itertools.count(1)

    def stock(self, copies: int) -> int:
        """By Oscar's models, as its dashboard does."""
        command = [_PYTHON, "-m", "shop.stock", copies]
        return int(run(command, environment=self._environment))

    def fill(self, product: int) -> Basket:
        """Basket, "check out as a guest", address, shipping method, payment, preview."""
        browser = Browser(self._url, {"Referer": self._url})
        page = browser.get(f"/catalogue/a-book_{product}/")
        page = browser.get(page.location) if page.location else page
        token = page.hidden_field("csrfmiddlewaretoken")
        self._post(browser, f"/basket/add/{product}/", {"quantity": 1}, token)
        guest = {"username": f"buyer{next(self._numbers)}@example.org", "options": "anonymous"}
        _expect("shipping-address", self._post(browser, "/checkout/", guest, token))
        address = self._post(browser, "/checkout/shipping-address/", _ADDRESS, token)
        _expect("shipping-method", address)
        # There is one method, and Oscar goes on by itself.
        _expect("payment-method", browser.get("/checkout/shipping-method/"))
        _expect("payment-details", browser.get("/checkout/payment-method/"))
        preview = self._post(browser, "/checkout/preview/", {}, token)
        if preview.status != 200:
            raise Refused(f"at the preview, sent to {preview.location or preview.status}")
        browser.rest()
        return Basket(browser, preview.hidden_field("csrfmiddlewaretoken"))

    def pay(self, basket: Basket) -> None:
        """ "Place order": whoever gets to the thank-you page has an order."""
        fields = {"action": "place_order"}
        with basket.browser as browser:
            _expect("thank-you", self._post(browser, "/checkout/preview/", fields, basket.token))

    def account(self, product: int) -> Account:
        """Lines of orders, and the stock record."""
        sold, in_stock, allocated = self._database.row(f"""
            SELECT (SELECT coalesce(sum(line.quantity), 0) FROM order_line line
                    JOIN order_order o ON o.id = line.order_id
                    WHERE line.product_id = {product} AND o.status <> 'Cancelled'),
                   coalesce(num_in_stock, 0), coalesce(num_allocated, 0)
            FROM partner_stockrecord WHERE product_id = {product}
            """)
        counter = f"{in_stock} in stock, {allocated} allocated"
        return Account(int(sold), counter)

    @staticmethod
    def _post(browser: Browser, path: str, fields: dict, token: str) -> Page:
        page = browser.post_form(path, fields | {"csrfmiddlewaretoken": token})
        if page.status not in (200, 302):
            raise Refused(f"{path} was answered with {page.status}")
        return page


def _expect(place: str, page: Page) -> None:
    """Oscar says no by sending the buyer elsewhere, mostly back to the basket."""
    if place not in page.location:
        raise Refused(f"instead of {place}: {page.location or page.status}")


SET_UPS = (SetUp("django-oscar", _describe, _open, all_runs()),)

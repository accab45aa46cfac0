"""Medusa: its store API, from the cart to its completion."""

import itertools
import json
import os
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from harness.processes import Server, run

from .buyers import Run
from .medusa_set_up import EMAIL, PASSWORD, Admin, Product
from .plan import SetUp, runs_alone, runs_at_once
from .shop import Account, Refused
from .surroundings import START_PATIENCE, TARGET, Database, log
from .web import Browser

_FOLDER = TARGET / "medusa"
_MEDUSA = _FOLDER / "node_modules" / ".bin" / "medusa"


@contextmanager
def _open(processes: int, shared: str):
    database = Database("medusa")
    environment = {
        "DATABASE_URL": database.url,
        "REDIS_URL": os.environ.get("PEERS_REDIS", ""),
        "PEERS_SHARED": shared,
        "NODE_ENV": "production",
        "MEDUSA_DISABLE_TELEMETRY": "true",
        # Its command line starts the sender all the same, and keeps a file at home.
        "MEDUSA_TELEMETRY_HOST": "http://127.0.0.1:9",
        "XDG_CONFIG_HOME": str(_FOLDER / "config"),
    }
    with ExitStack() as stack:
        _run("db:migrate", "--skip-links", environment=environment)
        _run("db:sync-links", "--execute-all", environment=environment)
        _run("user", "--email", EMAIL, "--password", PASSWORD, environment=environment)
        urls = []
        for number in range(processes):
            port = _free_port()
            command = _command("start", "--host", "127.0.0.1", "--port", port)
            name = f"medusa-{shared}-{number + 1}"
            announcement = "Server is ready on port: "
            server = Server(command, environment, log(name), announcement, START_PATIENCE)
            stack.callback(server.stop)
            urls.append(f"http://127.0.0.1:{port}")
        yield Medusa(urls, database)


def _command(*arguments) -> list:
    return ["env", f"--chdir={_FOLDER}", _MEDUSA, *arguments]


def _run(*arguments, environment: dict) -> None:
    run(_command(*arguments), environment=environment)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass
class Basket:
    """A cart that lacks only its completion."""

    browser: Browser
    cart: str


class Medusa:
    """The shop, as buyers see it. With several processes each buyer is at one of them."""

    def __init__(self, urls: list[str], database: Database):
        self._urls = itertools.cycle(urls)
        self._database = database
        self._numbers = itertools.count(1)
        self._admin = Admin(urls[0])
        self._admin.open_shop()

    def stock(self, copies: int) -> Product:
        """By the admin API, as its dashboard does."""
        return self._admin.stock(copies)

    def fill(self, product: Product) -> Basket:
        """Cart with item, address and email; shipping; payment session."""
        browser = Browser(next(self._urls), {"x-publishable-api-key": self._admin.storefront_key})
        cart = {
            "region_id": self._admin.region,
            "email": f"buyer{next(self._numbers)}@example.org",
            "shipping_address": _ADDRESS,
            "billing_address": _ADDRESS,
            "items": [{"variant_id": product.variant, "quantity": 1}],
        }
        cart_id = _post(browser, "/store/carts", cart)["cart"]["id"]
        option = {"option_id": self._admin.shipping_option}
        _post(browser, f"/store/carts/{cart_id}/shipping-methods", option)
        collection = _post(browser, "/store/payment-collections", {"cart_id": cart_id})
        sessions = f"/store/payment-collections/{collection['payment_collection']['id']}"
        _post(browser, f"{sessions}/payment-sessions", {"provider_id": "pp_system_default"})
        browser.rest()
        return Basket(browser, cart_id)

    def pay(self, basket: Basket) -> None:
        """Completes the cart: an answer of the type `order` says that there is one."""
        with basket.browser as browser:
            answer = _post(browser, f"/store/carts/{basket.cart}/complete", {})
        if answer.get("type") != "order":
            raise Refused(f"{answer.get('type')}: {answer.get('error')}")
        if not answer.get("order"):
            raise Refused("an answer of the type `order` that has none")

    def account(self, product: Product) -> Account:
        """Items of orders, the inventory level, and the reservations that it is the sum of."""
        sold, stocked, counted, reserved = self._database.row(f"""
            SELECT (SELECT coalesce(sum(item.quantity), 0) FROM order_item item
                    JOIN order_line_item line ON line.id = item.item_id
                    JOIN "order" o ON o.id = item.order_id AND o.version = item.version
                    WHERE line.variant_id = '{product.variant}' AND o.status <> 'canceled'
                      AND o.deleted_at IS NULL AND item.deleted_at IS NULL),
                   stocked_quantity, reserved_quantity,
                   (SELECT coalesce(sum(quantity), 0) FROM reservation_item
                    WHERE inventory_item_id = '{product.inventory_item}' AND deleted_at IS NULL)
            FROM inventory_level WHERE inventory_item_id = '{product.inventory_item}'
            """)
        return Account(int(sold), f"{stocked} stocked, {counted} reserved; {reserved} reservations")


_ADDRESS = {
    "first_name": "Ada",
    "last_name": "Reader",
    "address_1": "1 Library Lane",
    "city": "Utrecht",
    "postal_code": "3511 AA",
    "country_code": "nl",
}


def _post(browser: Browser, path: str, body: dict) -> dict:
    page = browser.post_json(path, body)
    if page.status != 200:
        raise Refused(f"{page.status} {_message(page.text)}")
    return page.json()


def _message(text: str) -> str:
    try:
        return json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        return text[:120]


_SHARED = {
    "nothing": "with its defaults",
    "postgres": "with its PostgreSQL locks",
    "redis": "with its Redis modules",
}
_WHAT_IS_SHARED = {
    "nothing": "Locks, events and workflows are in the memory of a process.",
    "postgres": "The PostgreSQL Locking Module Provider; events and workflows are in memory.",
    "redis": "The Redis modules for locks, events, workflows and caching.",
}


def _describe(processes: int, shared: str) -> str:
    package = _FOLDER / "node_modules" / "@medusajs" / "medusa" / "package.json"
    version = json.loads(package.read_text())["version"]
    node = run(["node", "--version"]).strip()
    each = "One process" if processes == 1 else f"{processes} processes, each buyer at one of them"
    return (
        f"@medusajs/medusa {version}, Node.js {node}. {each}, guests, `pp_system_default`. "
        f"{_WHAT_IS_SHARED[shared]}"
    )


def _set_up(processes: int, shared: str, runs: tuple[Run, ...]) -> SetUp:
    title = f"Medusa in {'one process' if processes == 1 else 'two processes'} {_SHARED[shared]}"
    return SetUp(
        title, partial(_describe, processes, shared), partial(_open, processes, shared), runs
    )


# An order takes Medusa so long that fewer copies have to do; one process also sells a hundred.
_FEW = runs_at_once(copies=24, attempts=96)
_AT_THE_TILL = _FEW[1:]
SET_UPS = (
    _set_up(1, "nothing", (*runs_alone(), *_FEW)),
    _set_up(2, "nothing", _AT_THE_TILL),
    _set_up(2, "redis", _AT_THE_TILL),
    _set_up(2, "postgres", _AT_THE_TILL),
    _set_up(1, "nothing", runs_at_once(attempts=200)[1:]),
)

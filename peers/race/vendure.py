"""Vendure: its shop API, from the first item in the basket to the payment."""

import itertools
import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.processes import Server, run

from .plan import SetUp, all_runs
from .shop import Account, Refused
from .surroundings import START_PATIENCE, TARGET, Database, log
from .web import Browser

# The last release, and a nightly build that has what the next release brought.
_VERSIONS = ("3.7.3", "3.8.0-minor-202609120217")


@contextmanager
def _open(folder: Path):
    database = Database(folder.name)
    environment = {
        "DATABASE_URL": database.url,
        "NODE_ENV": "production",
        "VENDURE_DISABLE_TELEMETRY": "true",
    }
    # It writes into the folder where it starts.
    shop = ["env", f"--chdir={folder}", "node", "shop.js"]
    run([*shop, "set-up"], environment=environment)
    said = "listening on "
    server = Server([*shop, "serve"], environment, log(folder.name), said, START_PATIENCE)
    try:
        name = f"{folder.name}-worker"
        worker = Server([*shop, "work"], environment, log(name), said, START_PATIENCE)
        try:
            yield Vendure(server.url, database)
        finally:
            worker.stop()
    finally:
        server.stop()


def _describe(folder: Path) -> str:
    package = folder / "node_modules" / "@vendure" / "core" / "package.json"
    version = json.loads(package.read_text())["version"]
    node = run(["node", "--version"]).strip()
    return (
        f"@vendure/core {version}, Node.js {node}. One server and one worker, guests, "
        "`dummyPaymentHandler` that settles at once."
    )


@dataclass
class Basket:
    """An order in the state ArrangingPayment."""

    browser: Browser


class Vendure:
    """The shop, as buyers see it."""

    def __init__(self, url: str, database: Database):
        self._url = url
        self._database = database
        self._numbers = itertools.count(1)
        self._admin = Browser(url)
        login = (
            'mutation { login(username: "owner", password: "of a throw-away shop") { __typename } }'
        )
        _ask(self._admin, login, path="/admin-api")
        self._admin.rest()

    def stock(self, copies: int) -> int:
        """By the admin API, as its dashboard does."""
        sku = uuid.uuid4().hex[:12]
        product = _ask(self._admin, _CREATE_PRODUCT, {"name": sku}, "/admin-api")
        made = {"product": product["id"], "sku": sku, "copies": copies}
        variants = _ask(self._admin, _CREATE_VARIANT, made, "/admin-api")
        # Until the next product the server would have closed the connection.
        self._admin.rest()
        return int(variants[0]["id"])

    def fill(self, product: int) -> Basket:
        """Item, customer, address, shipping, and to the payment."""
        browser = Browser(self._url)
        _ask(browser, _ADD, {"variant": str(product)})
        _ask(browser, _CUSTOMER, {"email": f"buyer{next(self._numbers)}@example.org"})
        _ask(browser, _ADDRESS)
        methods = _ask(browser, "{ eligibleShippingMethods { id } }")
        _ask(browser, _SHIPPING, {"method": [methods[0]["id"]]})
        _ask(browser, _TO_PAYMENT)
        browser.rest()
        return Basket(browser)

    def pay(self, basket: Basket) -> None:
        """The shop takes the payment and places the order, or says why not."""
        with basket.browser as browser:
            answer = _ask(browser, _PAY)
        if answer.get("state") != "PaymentSettled":
            raise Refused(f"the order stays {answer.get('state')}")

    def account(self, product: int) -> Account:
        """Lines of paid orders, and the stock level."""
        sold, on_hand, allocated = self._database.row(f"""
            SELECT (SELECT coalesce(sum(line.quantity), 0) FROM order_line line
                    JOIN "order" o ON o.id = line."orderId"
                    WHERE line."productVariantId" = {product} AND o.state = 'PaymentSettled'),
                   sum("stockOnHand"), sum("stockAllocated")
            FROM stock_level WHERE "productVariantId" = {product}
            """)
        return Account(int(sold), f"{on_hand} on hand, {allocated} allocated")


def _ask(browser: Browser, question: str, variables: dict | None = None, path: str = "/shop-api"):
    """The one field that was asked for. A session's token comes with an answer."""
    page = browser.post_json(path, {"query": question, "variables": variables or {}})
    if token := page.headers.get("vendure-auth-token"):
        browser.headers["Authorization"] = f"Bearer {token}"
    answer = page.json()
    if answer.get("errors"):
        raise Refused(f"{page.status} {answer['errors'][0]['message']}")
    (field,) = answer["data"].values()
    if isinstance(field, dict) and field.get("errorCode"):
        raise Refused(f"{field['errorCode']}: {field['message']}")
    return field


_ERROR = "... on ErrorResult { errorCode message }"
_CREATE_PRODUCT = """
mutation ($name: String!) {
  createProduct(input: { enabled: true, translations: [
    { languageCode: en, name: $name, slug: $name, description: "" }] }) { id }
}"""
_CREATE_VARIANT = """
mutation ($product: ID!, $sku: String!, $copies: Int!) {
  createProductVariants(input: [{ productId: $product, sku: $sku, price: 1000, trackInventory: TRUE,
    stockOnHand: $copies, translations: [{ languageCode: en, name: $sku }] }]) { id }
}"""
_ADD = f"""
mutation ($variant: ID!) {{
  addItemToOrder(productVariantId: $variant, quantity: 1) {{ ... on Order {{ state }} {_ERROR} }}
}}"""
_CUSTOMER = f"""
mutation ($email: String!) {{
  setCustomerForOrder(input: {{ firstName: "Ada", lastName: "Reader", emailAddress: $email }})
    {{ ... on Order {{ state }} {_ERROR} }}
}}"""
_ADDRESS = f"""
mutation {{
  setOrderShippingAddress(input: {{ fullName: "Ada Reader", streetLine1: "1 Library Lane",
    city: "Utrecht", postalCode: "3511 AA", countryCode: "NL" }})
    {{ ... on Order {{ state }} {_ERROR} }}
}}"""
_SHIPPING = f"""
mutation ($method: [ID!]!) {{
  setOrderShippingMethod(shippingMethodId: $method) {{ ... on Order {{ state }} {_ERROR} }}
}}"""
_TO_PAYMENT = f"""
mutation {{
  transitionOrderToState(state: "ArrangingPayment") {{
    ... on Order {{ state }}
    ... on OrderStateTransitionError {{ errorCode message transitionError }}
  }}
}}"""
_PAY = f"""
mutation {{
  addPaymentToOrder(input: {{ method: "standard-payment", metadata: {{}} }})
    {{ ... on Order {{ state }} {_ERROR} }}
}}"""

SET_UPS = tuple(
    SetUp(f"Vendure {version}", partial(_describe, folder), partial(_open, folder), all_runs())
    for version in _VERSIONS
    for folder in [TARGET / f"vendure-{version}"]
)

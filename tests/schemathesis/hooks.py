"""What OpenAPI cannot say about this API, for Schemathesis; and two checks of our own.

A document says of each value what it may be, not what must be true between two of them, nor which
books there are. A request that was made to be right is put right here in these points, so that it is
held to have been right: nothing in this file touches a request that was made to be wrong.
"""

import collections
import itertools
import os
import pathlib

import schemathesis
from hypothesis import strategies as st

# Books of books.csv: numbered from 1 in a database that had none.
BOOKS = 60

# Cursors that the service gave out, by the list and its order.
cursors = collections.defaultdict(list)
# Lines of orders that the service told of, by the order's id.
sold = {}


# --- Values with a meaning


def thirteen(number):
    """The ISBN-13 with prefix 978 and these nine digits (ISO 2108)."""
    twelve = f"978{number:09}"
    weighted = sum(int(digit) * weight for digit, weight in zip(twelve, itertools.cycle((1, 3))))
    return f"{twelve}{-weighted % 10}"


def ten(number):
    """The ISBN-10 with these nine digits."""
    nine = f"{number:09}"
    check = -sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1))) % 11
    return f"{nine}{'X' if check == 10 else check}"


def hyphenated(isbn):
    return f"{isbn[:3]}-{isbn[3:8]} {isbn[8:]}"


# A check digit is arithmetic: no pattern can hold it.
numbers = st.integers(0, 999_999_999)
isbns = st.one_of(numbers.map(thirteen), numbers.map(ten))
schemathesis.openapi.format("isbn", st.one_of(isbns, isbns.map(hyphenated)))


# --- Requests


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    put_right = RIGHT.get(case.operation.definition.raw.get("operationId"))
    if put_right is not None:
        put_right(case)


def is_list(case):
    """A cursor can only be one that the service gave out for this list in this order."""
    query = case.query or {}
    if "ids" in query and len(query) > 1:
        # Those of a basket page go with no other parameter.
        case.query = {"ids": query["ids"]}
    elif "after" in query:
        known = cursors[list_of(case)]
        after = query["after"]
        if after not in known:
            rest = {name: value for name, value in query.items() if name != "after"}
            case.query = rest | ({"after": known[len(after) % len(known)]} if known else {})


def names_books(case):
    """Lines about books that are there, most of them."""
    if isinstance(case.body, dict):
        lines = [line | {"book_id": line["book_id"] % BOOKS + 1} for line in case.body["lines"]]
        case.body = case.body | {"lines": lines}


def returns_what_was_sold(case):
    """A return is about books of its order, and not much more than it sold."""
    lines = sold.get(str(case.path_parameters.get("id")))
    if lines and isinstance(case.body, dict):
        pairs = zip(case.body["lines"], itertools.cycle(lines))
        brought = [
            mine | {"book_id": of["book_id"], "quantity": mine["quantity"] % of["quantity"] + 1}
            for mine, of in pairs
        ]
        case.body = case.body | {"lines": brought}


def edits_what_is_there(case):
    """A made-up ETag is that of no book: half of them become any."""
    tag = case.headers.get("If-Match", "")
    if len(tag) % 2 == 1 and not tag.startswith('"'):
        case.headers["If-Match"] = "*"


RIGHT = {
    "list_books": is_list,
    "list_orders": is_list,
    "list_movements": is_list,
    "list_holds": is_list,
    "create_order": names_books,
    "restock": names_books,
    "return_copies": returns_what_was_sold,
    "edit_book": edits_what_is_there,
}


def list_of(case):
    return case.formatted_path, (case.query or {}).get("sort", "id")


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code not in (200, 201):
        return
    if not response.headers.get("content-type", [""])[0].startswith("application/json"):
        return
    body = response.json()
    if not isinstance(body, dict):
        return
    if body.get("next") and len(cursors[list_of(case)]) < 100:
        cursors[list_of(case)].append(body["next"])
    orders = body["data"] if isinstance(body.get("data"), list) else [body]
    for order in orders:
        if "lines" in order and "status" in order:
            sold[order["id"]] = order["lines"]


# --- Checks

# Refusals of a request that was right in itself, by what stood in its way: the stock, the order, an
# edit, an earlier request.
OF_STATE = {
    "unknown_book",
    "unknown_order",
    "out_of_stock",
    "order_state",
    "returns_exceed_sale",
    "stale_quantity",
    "duplicate_isbn",
    "idempotency_key_reused",
    "precondition_failed",
}


@schemathesis.check
def refuses_what_is_right_only_for_how_things_are(ctx, response, case):
    """`positive_data_acceptance` knows statuses only, and must let 409, 412 and 422 pass.

    This one demands that they come from the state of the shop, and not from a rule that the document
    does not tell.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 409, 412, 422):
        return
    problem = response.json()
    slug = problem["type"].removeprefix("/problems/")
    # The one rule about a sum: no shelf holds more than it can.
    is_full = slug == "invalid_request" and "more than 2000000000 allows" in problem["detail"]
    assert slug in OF_STATE or is_full, f"refused as {slug}: {problem['detail']}"


@schemathesis.check
class EveryOperationSucceeds:
    """A run in which an operation was only ever refused has not tested it."""

    def __init__(self):
        self.answers = collections.defaultdict(collections.Counter)

    def after_response(self, ctx, response, case):
        # Probes with a method that the path does not have are no calls of the operation.
        if response.status_code != 405:
            self.answers[case.operation.label][response.status_code] += 1

    def after_run(self, ctx):
        told = os.environ.get("BOOKSTORE_TEST_ANSWERS")
        if told:
            pathlib.Path(told).write_text("".join(self.lines()))
        failed = [label for label, statuses in self.answers.items() if not any(map(is_success, statuses))]
        assert self.answers and not failed, f"never succeeded: {', '.join(sorted(failed))}"

    def lines(self):
        for label, statuses in sorted(self.answers.items()):
            counts = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
            yield f"{sum(statuses.values()):6}  {label}: {counts}\n"


def is_success(status):
    return 200 <= status < 300

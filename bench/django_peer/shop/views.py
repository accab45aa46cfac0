"""Requests in, the bookstore's own JSON out."""

import hashlib
import json

from django.http import HttpRequest, HttpResponse

from . import sale, tokens
from .models import Book

MAX_LINES = 100
MAX_COPIES = 10_000


def find_book(request: HttpRequest, book_id: int) -> HttpResponse:
    """GET /v1/books/{id}"""
    book = Book.objects.filter(id=book_id, archived_at=None).first()
    if book is None:
        return _problem(404, "unknown_book")
    answer = _json(
        200,
        {
            "id": book.id,
            "isbn": book.isbn,
            "title": book.title,
            "author": book.author,
            "price": _money(book.price_minor),
            "quantity": book.quantity,
            "version": book.version,
            "created_at": book.created_at.isoformat(),
            "updated_at": book.updated_at.isoformat(),
        },
    )
    answer["ETag"] = f'"{book.version}.{book.last_seq}"'
    return answer


def purchase(request: HttpRequest, book_id: int) -> HttpResponse:
    """POST /v1/books/{id}/purchases"""
    return _place(request, lambda body: {book_id: body["quantity"]})


def create_order(request: HttpRequest) -> HttpResponse:
    """POST /v1/orders"""

    def lines(body):
        copies: dict[int, int] = {}
        for line in body["lines"]:
            copies[line["book_id"]] = copies.get(line["book_id"], 0) + line["quantity"]
        return copies

    return _place(request, lines)


def _place(request: HttpRequest, lines_of) -> HttpResponse:
    client_id = tokens.client_of(request)
    if client_id is None:
        return _problem(401, "unauthorized")
    try:
        lines = lines_of(json.loads(request.body))
        if not 1 <= len(lines) <= MAX_LINES:
            raise ValueError("lines")
        if not all(1 <= copies <= MAX_COPIES for copies in lines.values()):
            raise ValueError("copies")
    except (ValueError, KeyError, TypeError):
        return _problem(422, "invalid_request")
    request_hash = hashlib.sha256(request.path.encode() + b"\0" + request.body).digest()
    try:
        sold = sale.place(client_id, request.headers.get("Idempotency-Key"), request_hash, lines)
    except sale.Refused as refused:
        return _problem(refused.status, refused.slug)
    answer = _json(201, _order(sold))
    answer["Location"] = f"/v1/orders/{sold.order.id}"
    if sold.is_replay:
        answer["Idempotent-Replayed"] = "true"
    return answer


def _order(sold: sale.Sold) -> dict:
    return {
        "id": str(sold.order.id),
        "status": sold.order.status,
        "expires_at": None,
        "lines": [
            {
                "book_id": book_id,
                "title": title,
                "quantity": copies,
                "unit_price": _money(price),
                "total": _money(price * copies),
            }
            for book_id, title, copies, price in sold.lines
        ],
        "total": _money(sold.order.total_minor),
        "created_at": sold.order.created_at.isoformat(),
    }


def _money(amount: int) -> dict:
    return {"amount": amount, "currency": "EUR"}


def _json(status: int, body: dict, content_type: str = "application/json") -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type=content_type)


def _problem(status: int, slug: str) -> HttpResponse:
    body = {"type": f"/problems/{slug}", "title": slug, "status": status}
    return _json(status, body, "application/problem+json")

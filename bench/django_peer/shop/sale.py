"""The sale, as the article tells it: one transaction, `select_for_update`, then the writes."""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from .models import Book, Order, StockMovement


class Refused(Exception):
    """The sale cannot be: what to answer."""

    def __init__(self, status: int, slug: str):
        super().__init__(slug)
        self.status = status
        self.slug = slug


@dataclass
class Sold:
    """An order with its lines: (book id, title, copies, unit price)."""

    order: Order
    lines: list[tuple[int, str, int, int]]
    is_replay: bool


def place(client_id: int, key: str | None, request_hash: bytes, lines: dict[int, int]) -> Sold:
    """Sells `lines` (copies by book id), all or none."""
    with transaction.atomic():
        # In id order, so that two orders never wait for each other in a circle.
        books = list(
            Book.objects.select_for_update()
            .filter(id__in=lines, archived_at=None)
            .only("id", "title", "price_minor", "quantity", "last_seq")
            .order_by("id")
        )
        if key is not None:
            earlier = Order.objects.filter(client_id=client_id, idempotency_key=key).first()
            if earlier is not None:
                return _again(earlier, request_hash)
        if len(books) < len(lines):
            raise Refused(404, "unknown_book")
        if any(book.quantity < lines[book.id] for book in books):
            raise Refused(409, "out_of_stock")
        return _write(client_id, key, request_hash, books, lines)


def _write(client_id, key, request_hash, books, lines) -> Sold:
    now = timezone.now()
    order = Order(
        id=uuid.uuid4(),
        client_id=client_id,
        idempotency_key=key,
        request_hash=request_hash,
        status="placed",
        total_minor=sum(book.price_minor * lines[book.id] for book in books),
        created_at=now,
    )
    order.save(force_insert=True)
    movements = []
    for book in books:
        book.quantity -= lines[book.id]
        book.last_seq += 1
        movements.append(
            StockMovement(
                book_id=book.id,
                seq=book.last_seq,
                delta=-lines[book.id],
                quantity_after=book.quantity,
                reason="sale",
                order_id=order.id,
                unit_price_minor=book.price_minor,
                created_at=now,
            )
        )
    StockMovement.objects.bulk_create(movements)
    if len(books) == 1:
        books[0].save(update_fields=["quantity", "last_seq"])
    else:
        Book.objects.bulk_update(books, ["quantity", "last_seq"])
    sold = [(book.id, book.title, lines[book.id], book.price_minor) for book in books]
    return Sold(order, sold, is_replay=False)


def _again(order: Order, request_hash: bytes) -> Sold:
    if bytes(order.request_hash) != request_hash:
        raise Refused(422, "idempotency_key_reused")
    movements = StockMovement.objects.filter(order_id=order.id, reason="sale").order_by("book_id")
    rows = movements.values_list("book_id", "delta", "unit_price_minor")
    titles = dict(Book.objects.filter(id__in=[row[0] for row in rows]).values_list("id", "title"))
    lines = [(book_id, titles[book_id], -delta, price) for book_id, delta, price in rows]
    return Sold(order, lines, is_replay=True)

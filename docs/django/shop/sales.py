"""Ways to sell one copy of a book. docs/races.md shows these functions as they are here."""

import time
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.db.models import F

from .conflicts import is_locked, was_refused
from .models import Book


class SoldOut(Exception):
    """There is no copy left."""


class TurnedAway(Exception):
    """Not now: somebody else has the row. Copies may be there."""


def naive(book_id):
    with transaction.atomic():  # no help
        read_subtract_write(book_id)


def read_subtract_write(book_id):
    book = Book.objects.get(pk=book_id)
    if book.quantity < 1:
        raise SoldOut
    book.quantity -= 1
    book.save(update_fields=["quantity"])


def autocommit(book_id):
    read_subtract_write(book_id)


def f_expression(book_id):
    book = Book.objects.get(pk=book_id)
    book.quantity = F("quantity") - 1
    book.save(update_fields=["quantity"])


def atomic_update(book_id):
    in_stock = Book.objects.filter(pk=book_id, quantity__gte=1)
    changed = in_stock.update(quantity=F("quantity") - 1)
    if changed == 0:
        raise SoldOut


def select_for_update(book_id):
    with transaction.atomic():
        book = Book.objects.select_for_update().get(pk=book_id)
        if book.quantity < 1:
            raise SoldOut
        book.quantity -= 1
        book.save(update_fields=["quantity"])


def optimistic(book_id):
    while True:
        book = Book.objects.get(pk=book_id)
        if book.quantity < 1:
            raise SoldOut
        as_read = Book.objects.filter(pk=book_id, version=book.version)
        if as_read.update(quantity=book.quantity - 1, version=book.version + 1):
            return


def serializable(book_id):
    while True:
        try:
            with at_serializable():
                return read_subtract_write(book_id)
        except OperationalError as error:
            if not was_refused(error):
                raise


@contextmanager
def at_serializable():
    level = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"
    if connection.vendor == "mysql":  # there it stands before the transaction that it is for
        connection.cursor().execute(level)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute(level)
        yield  # every transaction of SQLite is serializable


def skip_locked(book_id):
    with transaction.atomic():
        free = Book.objects.select_for_update(skip_locked=True)
        book = free.filter(pk=book_id).first()
        if book is None:
            raise TurnedAway
        if book.quantity < 1:
            raise SoldOut
        book.quantity -= 1
        book.save(update_fields=["quantity"])


def nowait(book_id):
    try:
        with transaction.atomic():
            book = Book.objects.select_for_update(nowait=True).get(pk=book_id)
            if book.quantity < 1:
                raise SoldOut
            book.quantity -= 1
            book.save(update_fields=["quantity"])
    except OperationalError as error:
        if is_locked(error):
            raise TurnedAway from error
        raise


def check_then_pay(book_id):
    book = Book.objects.get(pk=book_id)
    if book.quantity < 1:
        raise SoldOut
    pay()
    Book.objects.filter(pk=book_id).update(quantity=F("quantity") - 1)


def hold(book_id):
    book = Book.objects.filter(pk=book_id)
    taken = {"quantity": F("quantity") - 1, "held": F("held") + 1}
    if not book.filter(quantity__gte=1).update(**taken):
        raise SoldOut
    pay()
    book.update(held=F("held") - 1)


def pay():
    time.sleep(0.01)  # minutes, in a shop


def advisory_lock(book_id):
    with transaction.atomic():
        connection.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [book_id])
        read_subtract_write(book_id)

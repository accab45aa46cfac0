"""Each way to sell does what docs/races.md says of it, on the database of DATABASE_URL."""

import time
from contextlib import contextmanager
from unittest import skipIf, skipUnless
from unittest.mock import patch

from django.db import connection
from django.db.models import CheckConstraint, Q
from django.db.transaction import TransactionManagementError
from django.test import TransactionTestCase

from . import race, sales
from .models import Book

IS_SQLITE = connection.vendor == "sqlite"
IS_IMMEDIATE = IS_SQLITE and "transaction_mode" in connection.settings_dict["OPTIONS"]
PLENTY, SCARCE, PURCHASES = 200, 10, 80

not_on_sqlite = skipIf(IS_SQLITE, "SQLite has no row locks")
on_postgres = skipUnless(connection.vendor == "postgresql", "written for PostgreSQL")


def until(happened, sale, copies: int) -> race.Outcome:
    """Races until chance has brought about what `happened` looks for; the last outcome, if it never
    does."""
    deadline = time.monotonic() + 30
    while True:
        outcome = race.run(sale, copies, PURCHASES)
        if happened(outcome) or time.monotonic() > deadline:
            return outcome


class Races(TransactionTestCase):
    def check_exact(self, sale):
        """Every copy is sold once, and nobody gets an error."""
        plenty = race.run(sale, PLENTY, PURCHASES)
        told = plenty.sold, plenty.sold_out, plenty.turned_away, plenty.failed
        self.assertEqual((told, plenty.lost), ((PURCHASES, 0, 0, 0), 0), plenty)
        scarce = race.run(sale, SCARCE, PURCHASES)
        self.assertEqual((scarce.sold, scarce.left, scarce.failed), (SCARCE, 0, 0), scarce)

    def check_turns_away(self, sale):
        """Nothing is lost, but somebody is told no although copies are there."""
        plenty = until(lambda outcome: outcome.turned_away, sale, PLENTY)
        self.assertEqual((plenty.lost, plenty.sold_out, plenty.failed), (0, 0, 0), plenty)
        self.assertGreater(plenty.turned_away, 0, plenty)

    def check_fails(self, sale):
        """Nothing is lost, but some buyers get an error of the database."""
        plenty = until(lambda outcome: outcome.failed, sale, PLENTY)
        self.assertEqual((plenty.lost, plenty.sold_out), (0, 0), plenty)
        self.assertGreater(plenty.failed, 0, plenty)

    def check_loses(self, sale):
        outcome = until(lambda outcome: outcome.lost, sale, PLENTY)
        self.assertGreater(outcome.lost, 0, outcome)

    def test_autocommit_loses_updates(self):
        self.check_loses(sales.autocommit)

    @not_on_sqlite
    def test_naive_loses_updates_in_a_transaction_too(self):
        self.check_loses(sales.naive)

    @skipUnless(IS_SQLITE and not IS_IMMEDIATE, "SQLite as Django sets it up")
    def test_naive_fails_on_sqlite(self):
        self.check_fails(sales.naive)

    @skipUnless(IS_SQLITE and not IS_IMMEDIATE, "SQLite as Django sets it up")
    def test_select_for_update_does_nothing_on_sqlite(self):
        self.check_fails(sales.select_for_update)

    @skipUnless(IS_IMMEDIATE, "SQLite that begins with IMMEDIATE")
    def test_naive_is_exact_when_sqlite_begins_with_immediate(self):
        self.check_exact(sales.naive)

    def test_check_then_pay_sells_what_is_not_there(self):
        scarce = until(lambda outcome: outcome.left < 0, sales.check_then_pay, SCARCE)
        self.assertEqual((scarce.lost, scarce.failed), (0, 0), scarce)
        self.assertLess(scarce.left, 0, scarce)

    def test_hold_is_exact(self):
        self.check_exact(sales.hold)

    def test_f_expression_loses_nothing_and_oversells(self):
        scarce = race.run(sales.f_expression, SCARCE, PURCHASES)
        self.assertEqual((scarce.lost, scarce.left), (0, SCARCE - PURCHASES), scarce)
        self.assertEqual(scarce.oversold, PURCHASES - SCARCE, scarce)

    def test_f_expression_with_a_constraint_ends_in_errors_instead(self):
        with quantity_checked():
            scarce = race.run(sales.f_expression, SCARCE, PURCHASES)
        self.assertEqual((scarce.sold, scarce.left), (SCARCE, 0), scarce)
        self.assertEqual(scarce.failed, PURCHASES - SCARCE, scarce)

    def test_atomic_update_is_exact(self):
        self.check_exact(sales.atomic_update)

    @not_on_sqlite
    def test_select_for_update_is_exact(self):
        self.check_exact(sales.select_for_update)

    @not_on_sqlite
    def test_select_for_update_wants_a_transaction(self):
        with self.assertRaises(TransactionManagementError):
            Book.objects.select_for_update().first()

    def test_optimistic_is_exact(self):
        self.check_exact(sales.optimistic)

    def test_serializable_is_exact(self):
        self.check_exact(sales.serializable)

    @not_on_sqlite
    def test_skip_locked_turns_buyers_away(self):
        self.check_turns_away(sales.skip_locked)

    @not_on_sqlite
    def test_nowait_turns_buyers_away(self):
        self.check_turns_away(sales.nowait)

    @on_postgres
    def test_advisory_lock_is_exact(self):
        self.check_exact(sales.advisory_lock)


@contextmanager
def quantity_checked():
    """The constraint that a PositiveIntegerField would have brought."""
    never_negative = CheckConstraint(condition=Q(quantity__gte=0), name="quantity_never_negative")
    # SQLite makes the table anew, from what the model says.
    with patch.object(Book._meta, "constraints", [never_negative]):
        with connection.schema_editor() as schema:
            schema.add_constraint(Book, never_negative)
    try:
        yield
    finally:
        with connection.schema_editor() as schema:
            schema.remove_constraint(Book, never_negative)

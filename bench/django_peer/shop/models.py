"""The bookstore's own tables. Unmanaged: its migrations made them, with every key and check."""

from django.db import models


class Client(models.Model):
    role = models.TextField()
    token_hash = models.BinaryField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "clients"


class Book(models.Model):
    isbn = models.TextField()
    title = models.TextField()
    author = models.TextField()
    price_minor = models.IntegerField()
    quantity = models.IntegerField()
    last_seq = models.BigIntegerField()
    version = models.BigIntegerField()
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "books"


class Order(models.Model):
    id = models.UUIDField(primary_key=True)
    client_id = models.BigIntegerField()
    idempotency_key = models.TextField(null=True)
    request_hash = models.BinaryField()
    status = models.TextField()
    total_minor = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "orders"


class StockMovement(models.Model):
    # Django wants a primary key of one column; what it writes needs none. The real one is
    # (book_id, seq).
    book_id = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    delta = models.IntegerField()
    quantity_after = models.IntegerField()
    reason = models.TextField()
    order_id = models.UUIDField(null=True)
    unit_price_minor = models.IntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "stock_movements"

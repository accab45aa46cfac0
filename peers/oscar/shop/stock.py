"""`python -m shop.stock COPIES`: puts a new book on sale and prints its product's id."""

import sys
import uuid
from decimal import Decimal

import django

django.setup()

from oscar.core.loading import get_model  # noqa: E402 (models are there only after the set-up)


def put_on_sale(copies: int) -> int:
    """What the dashboard's forms write, with the shop's own models."""
    kind, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
        name="Book", defaults={"requires_shipping": True, "track_stock": True}
    )
    partner, _ = get_model("partner", "Partner").objects.get_or_create(name="Warehouse")
    get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="NL",
        defaults={"printable_name": "Netherlands", "is_shipping_country": True},
    )
    sku = uuid.uuid4().hex[:12]
    book = get_model("catalogue", "Product").objects.create(
        product_class=kind, title=f"A book {sku}", upc=sku
    )
    get_model("partner", "StockRecord").objects.create(
        product=book,
        partner=partner,
        partner_sku=sku,
        price_currency="EUR",
        price=Decimal("10.00"),
        num_in_stock=copies,
    )
    return book.pk


if __name__ == "__main__":
    print(put_on_sale(int(sys.argv[1])))

"""What every Medusa shop must have before it sells, by its admin API, as its dashboard makes it."""

import uuid
from dataclasses import dataclass

from .shop import Refused
from .web import Browser

EMAIL, PASSWORD = "admin@example.org", "supersecret"


@dataclass(frozen=True)
class Product:
    """A book on sale."""

    variant: str
    inventory_item: str


class Admin:
    """Somebody at the dashboard."""

    def __init__(self, url: str):
        self._browser = Browser(url)
        login = {"email": EMAIL, "password": PASSWORD}
        token = self._post("/auth/user/emailpass", login)["token"]
        self._browser.headers["Authorization"] = f"Bearer {token}"

    def open_shop(self) -> None:
        """Region, warehouse, shipping, and the key of the storefront."""
        self._channel = self._get("/admin/sales-channels")["sales_channels"][0]["id"]
        store = self._get("/admin/stores")["stores"][0]["id"]
        currencies = [{"currency_code": "eur", "is_default": True}]
        self._post(f"/admin/stores/{store}", {"supported_currencies": currencies})
        region = {
            "name": "Netherlands",
            "currency_code": "eur",
            "countries": ["nl"],
            "payment_providers": ["pp_system_default"],
        }
        self.region = self._post("/admin/regions", region)["region"]["id"]
        self._post("/admin/tax-regions", {"country_code": "nl", "provider_id": "tp_system"})
        self._location = self._warehouse()
        self.shipping_option = self._shipping()
        key = self._post("/admin/api-keys", {"title": "Webshop", "type": "publishable"})["api_key"]
        self._post(f"/admin/api-keys/{key['id']}/sales-channels", {"add": [self._channel]})
        self.storefront_key = key["token"]

    def stock(self, copies: int) -> Product:
        """A new book, and its copies in the warehouse."""
        sku = uuid.uuid4().hex[:12]
        variant = {
            "title": "Paperback",
            "sku": sku,
            "manage_inventory": True,
            "allow_backorder": False,
            "options": {"Format": "Paperback"},
            "prices": [{"currency_code": "eur", "amount": 10}],
        }
        book = {
            "title": f"A book {sku}",
            "status": "published",
            "options": [{"title": "Format", "values": ["Paperback"]}],
            "variants": [variant],
            "sales_channels": [{"id": self._channel}],
            "shipping_profile_id": self._profile,
        }
        made = self._post("/admin/products", book)["product"]["variants"][0]["id"]
        items = self._get(f"/admin/inventory-items?sku={sku}")["inventory_items"]
        level = {"location_id": self._location, "stocked_quantity": copies}
        self._post(f"/admin/inventory-items/{items[0]['id']}/location-levels", level)
        return Product(made, items[0]["id"])

    def _warehouse(self) -> str:
        warehouse = {"name": "Warehouse", "address": {"address_1": "", "country_code": "nl"}}
        location = self._post("/admin/stock-locations", warehouse)["stock_location"]["id"]
        path = f"/admin/stock-locations/{location}"
        self._post(f"{path}/sales-channels", {"add": [self._channel]})
        self._post(f"{path}/fulfillment-providers", {"add": ["manual_manual"]})
        self._post(f"{path}/fulfillment-sets", {"name": "Delivery", "type": "shipping"})
        return location

    def _shipping(self) -> str:
        fields = f"/admin/stock-locations/{self._location}?fields=id,*fulfillment_sets"
        delivery = self._get(fields)["stock_location"]["fulfillment_sets"][0]["id"]
        zone = {
            "name": "Netherlands",
            "geo_zones": [{"type": "country", "country_code": "nl"}],
        }
        zones = self._post(f"/admin/fulfillment-sets/{delivery}/service-zones", zone)
        profiles = self._get("/admin/shipping-profiles")["shipping_profiles"]
        self._profile = profiles[0]["id"]
        option = {
            "name": "Standard Shipping",
            "price_type": "flat",
            "provider_id": "manual_manual",
            "service_zone_id": zones["fulfillment_set"]["service_zones"][0]["id"],
            "shipping_profile_id": self._profile,
            "type": {"label": "Standard", "description": "In 2-3 days.", "code": "standard"},
            "prices": [{"currency_code": "eur", "amount": 5}],
            "rules": [],
        }
        return self._post("/admin/shipping-options", option)["shipping_option"]["id"]

    def _get(self, path: str) -> dict:
        page = self._browser.get(path)
        self._browser.rest()
        return _good(page, path)

    def _post(self, path: str, body: dict) -> dict:
        page = self._browser.post_json(path, body)
        # Until the next call the server may have closed the connection.
        self._browser.rest()
        return _good(page, path)


def _good(page, path: str) -> dict:
    if page.status not in (200, 201):
        raise Refused(f"{path}: {page.status} {page.text[:300]}")
    return page.json()

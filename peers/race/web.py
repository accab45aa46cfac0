"""One shopper's browser: a connection, a jar of cookies, forms and JSON. No more is needed here."""

import http.client
import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from .shop import Refused

# Seconds to wait for one answer. Longer than any shop here needs with all buyers at once.
_PATIENCE = 120


@dataclass(frozen=True)
class Page:
    """An answer."""

    status: int
    location: str
    headers: dict[str, str]
    text: str

    def json(self):
        """The body, which must be JSON."""
        return json.loads(self.text)

    def hidden_field(self, name: str) -> str:
        """The value of a form's hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        if not found:
            raise Refused(f"no field {name} on a page that was answered with {self.status}")
        return found.group(1)


class Browser:
    """Of one shopper, for one thread at a time."""

    def __init__(self, url: str, headers: dict[str, str] | None = None):
        self._host = urlsplit(url).netloc
        self._connection: http.client.HTTPConnection | None = None
        self._cookies: dict[str, str] = {}
        self.headers = dict(headers or {})

    def get(self, path: str) -> Page:
        """Does not follow redirects."""
        return self._ask("GET", path, None, {})

    def post_form(self, path: str, fields: dict[str, object]) -> Page:
        """As a browser sends a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields), kind)

    def post_json(self, path: str, body: object) -> Page:
        """As a storefront's script does."""
        return self._ask("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_) -> None:
        # Whatever was answered: until the next try the server would have closed the connection.
        self.rest()

    def rest(self) -> None:
        """Closes the connection, so that a shopper who waits holds none; the cookies stay."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=_PATIENCE)
        headers = self.headers | headers
        if self._cookies:
            headers["Cookie"] = "; ".join(
                f"{name}={value}" for name, value in self._cookies.items()
            )
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self.rest()
            raise
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value
        if answer.will_close:
            self.rest()
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Page(answer.status, told.get("location", ""), told, text)

"""Bearer tokens, looked up by their SHA-256 and remembered for a few seconds, as with us."""

import hashlib
import time

from .models import Client

SECONDS = 5.0
_known: dict[str, tuple[float, int]] = {}


def client_of(request) -> int | None:
    """The id of the client behind a request; `None` if its token is not known."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    now = time.monotonic()
    known = _known.get(token)
    if known and now - known[0] < SECONDS:
        return known[1]
    token_hash = hashlib.sha256(token.encode()).digest()
    found = Client.objects.filter(token_hash=token_hash, revoked_at=None).only("id").first()
    if found is None:
        return None
    _known[token] = (now, found.id)
    return found.id

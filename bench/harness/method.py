"""How it was measured, in words that the reader of a figure needs."""

from .plan import DJANGO_CONNECTIONS, DJANGO_SHAPES, PGBENCH_CLIENTS
from .stores import STOREFRONTS

COLUMNS = (
    "Per second: sales that were acknowledged (or books read). CPU: seconds for 1,000 of them, of "
    "the server, of all processes of the database, and of the load generator; they share the "
    "cores. Server MiB: resident memory at the end and at most (Django: summed over its processes, "
    "shared pages counted in each). Log bytes: the database's write-ahead log for each sale. "
    "During a flash sale they include the sale's. pgbench tells only its mean latency, which "
    "stands under p50."
)

POINTS = (
    "Each contestant of a scenario runs once a round, one after the other; the order rotates from "
    "round to round. Ratios are of medians within one scenario.",
    "Each run sells from a fresh copy of its store. PostgreSQL has a quarter of the memory as its "
    "manual advises, reads the copy into it (pg_prewarm) and is told to CHECKPOINT; the contestant "
    "is warmed up for a second and comes to rest, then the measurement begins.",
    "After each run the server is stopped, `bookstore audit` must find nothing (with 5,000,000 "
    "orders: after the last round), and the sales in the database must be those that the load "
    "generator was told of, and at most those in flight more. Otherwise there is no figure.",
    f"Every order has an Idempotency-Key of its own, and one of {STOREFRONTS} storefronts' tokens. "
    "All HTTP contestants get the same requests from wrk with one thread. On two cores a second "
    "one made no difference beyond the noise.",
    "wrk adds to its latencies what a slow answer hid from requests that would have come "
    "meanwhile.",
    "pgbench runs the same sale in the same tables (pgbench/purchase.sql) with prepared statements "
    f"at the best of {', '.join(map(str, PGBENCH_CLIENTS))} clients, found by a probe before.",
    "Django (django_peer/) sells with transaction.atomic, select_for_update and bulk_create on the "
    "same tables, behind gunicorn with gthread workers, a lasting connection for each thread, "
    "prepared statements and no middleware; the best of "
    + ", ".join(f"{workers} x {threads}" for workers, threads in DJANGO_SHAPES)
    + " workers x threads, then of "
    + ", ".join(map(str, DJANGO_CONNECTIONS))
    + " connections.",
    "Overload: a till with room for 256 (128 in a transaction, 128 that wait) meets 1,024 buyers. "
    "The patient ones wait for a second after a refusal, as Retry-After tells them; the impatient "
    "ones ask again at once, and each refusal takes the two cores about as long as a sale does.",
    "Holds: wrk reads each order's id from its answer, which costs it more than the other loads. "
    "pgbench does the same two transactions (pgbench/hold.sql). Sweep: the rate is the ledger's, "
    "from the first release to the last.",
    "All of PostgreSQL's clients connect by TCP over the loopback.",
    "Search: 2,000 first pages, one after the other, by what people type who look for some book of the "
    "catalogue (two or three of its words, the last one not to its end; a word and the author; one "
    "word, often \"the\"; one to three letters; something that is not there), half of them by id, the "
    "others by title and price; beside them the same pages of all books.",
    "HTTP ceiling (counters.rs): the same server, routes, tokens and JSON, with orders answered "
    "from memory.",
    "Batches of one: the till with one order for each transaction. No till (counters.rs): each "
    "order in its own transaction on a pool of connections.",
)


def length(about: dict) -> str:
    """How long it measured."""
    rounds, seconds = about["rounds"], about["seconds"]
    return f"{rounds} {'round' if rounds == 1 else 'rounds'} of {seconds} s"

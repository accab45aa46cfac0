-- Adds :holds held orders of one copy of book 1, as the till writes them, with plenty of time left.
SELECT min(id) AS client FROM clients WHERE role = 'storefront' \gset

CREATE TEMP TABLE held AS
    SELECT n, gen_random_uuid() AS id, last_seq + n AS seq, quantity - n AS quantity_after, price_minor
    FROM generate_series(1::bigint, :holds) n, books WHERE books.id = 1;

INSERT INTO orders
        (id, client_id, idempotency_key, request_hash, status, total_minor, expires_at, created_at)
    SELECT id, :client, 'held-' || n, sha256(n::text::bytea), 'held', price_minor,
        now() + interval '1 day', now()
    FROM held ORDER BY n;

INSERT INTO stock_movements
        (book_id, seq, delta, quantity_after, reason, order_id, unit_price_minor, created_at)
    SELECT 1, seq, -1, quantity_after, 'sale', id, price_minor, now() FROM held ORDER BY n;

UPDATE books SET quantity = quantity - :holds, last_seq = last_seq + :holds WHERE id = 1;

DROP TABLE held;
-- Not analysed: in a flash sale the statistics are older than the holds.

-- One purchase as one transaction, as a careful program would write it: lock, check, write, commit.
-- From the harness: titles (how many books are sold evenly; 1 = the hot one), storefronts (how many
-- clients have a token) and first_storefront (the first one's id), run (makes a run's keys its own).
\set book_id random(1, :titles)
\set storefront :first_storefront + :client_id % :storefronts
\set number :number + 1
BEGIN;
SELECT quantity, last_seq, price_minor FROM books
    WHERE id = :book_id AND archived_at IS NULL FOR UPDATE \gset
\if :quantity > 0
UPDATE books SET quantity = quantity - 1, last_seq = last_seq + 1 WHERE id = :book_id;
INSERT INTO orders
        (id, client_id, idempotency_key, request_hash, status, total_minor, created_at)
    VALUES (gen_random_uuid(), :storefront, concat_ws('-', :run::text, :client_id::text, :number::text),
        sha256(convert_to(concat('POST /v1/books/', :book_id::text, '/purchases'), 'UTF8')),
        'placed', :price_minor, now())
    RETURNING id AS order_id \gset
INSERT INTO stock_movements
        (book_id, seq, delta, quantity_after, reason, order_id, unit_price_minor, created_at)
    VALUES (:book_id, :last_seq + 1, -1, :quantity - 1, 'sale', :order_id, :price_minor, now());
COMMIT;
\else
ROLLBACK;
\endif

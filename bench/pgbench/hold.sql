-- A hold as one transaction and its confirmation as another, as a careful program would write them.
-- Variables as in purchase.sql.
\set book_id random(1, :titles)
\set storefront :first_storefront + :client_id % :storefronts
\set number :number + 1
BEGIN;
SELECT quantity, last_seq, price_minor FROM books
    WHERE id = :book_id AND archived_at IS NULL FOR UPDATE \gset
\if :quantity > 0
UPDATE books SET quantity = quantity - 1, last_seq = last_seq + 1 WHERE id = :book_id;
INSERT INTO orders
        (id, client_id, idempotency_key, request_hash, status, total_minor, expires_at, created_at)
    VALUES (gen_random_uuid(), :storefront, concat_ws('-', :run::text, :client_id::text, :number::text),
        sha256(convert_to(concat('POST /v1/orders', :book_id::text), 'UTF8')),
        'held', :price_minor, now() + interval '10 minutes', now())
    RETURNING id AS order_id \gset
INSERT INTO stock_movements
        (book_id, seq, delta, quantity_after, reason, order_id, unit_price_minor, created_at)
    VALUES (:book_id, :last_seq + 1, -1, :quantity - 1, 'sale', :order_id, :price_minor, now());
COMMIT;
BEGIN;
SELECT status = 'held' AND expires_at > clock_timestamp() AS is_good FROM orders
    WHERE id = :order_id FOR UPDATE \gset
\if :is_good
UPDATE orders SET status = 'placed', expires_at = NULL WHERE id = :order_id;
COMMIT;
\else
ROLLBACK;
\endif
\else
ROLLBACK;
\endif

-- Makes a large store out of the small one: :books books, :orders orders of one line, each with
-- its movement, so that `bookstore audit` finds all in order. Order n sells one copy of book
-- 1 + (7919 * n) mod :books: as 7919 and the number of books have no common divisor, every :books
-- orders in a row sell each book once, in a scattered order, and the seq of a sale follows from n.

-- Keys are dropped and made again from their own definitions: loading into a bare table takes a
-- fraction of the time, and making the foreign keys again proves that every row has its parent.
CREATE TEMP TABLE dropped AS
    SELECT conrelid::regclass::text AS "table", conname AS name, contype = 'f' AS is_foreign,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
            pg_get_constraintdef(oid)) AS definition
    FROM pg_constraint
    WHERE contype IN ('f', 'p', 'u')
        AND conrelid IN ('books'::regclass, 'orders'::regclass, 'stock_movements'::regclass,
            'stock_entries'::regclass)
    UNION ALL
    SELECT NULL, indexrelid::regclass::text, false, pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid IN ('books'::regclass, 'orders'::regclass, 'stock_movements'::regclass)
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid);

-- Foreign keys go first, for they need the keys they point to.
SELECT CASE WHEN "table" IS NULL THEN format('DROP INDEX %s', name)
        ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', "table", name) END
    FROM dropped ORDER BY is_foreign DESC \gexec

SELECT max(id) AS first_books FROM books \gset
SELECT min(id) AS client FROM clients \gset

INSERT INTO stock_entries (id, client_id, reason, reference, request_hash, created_at)
    VALUES (gen_random_uuid(), :client, 'initial', 'growth', sha256('growth'), now())
    RETURNING id AS entry \gset

-- The check digit of an ISBN-13; 38 is what the leading 978 adds.
INSERT INTO books (id, isbn, title, author, price_minor, quantity, last_seq)
    SELECT n,
        '978' || lpad(n::text, 9, '0') || (10 - (38
            + 3 * (n / 100000000 % 10) + n / 10000000 % 10 + 3 * (n / 1000000 % 10)
            + n / 100000 % 10 + 3 * (n / 10000 % 10) + n / 1000 % 10 + 3 * (n / 100 % 10)
            + n / 10 % 10 + 3 * (n % 10)) % 10) % 10,
        'The Book of ' || n, 'Author ' || n % 97, 599 + n % 30 * 100, :copies, 1
    FROM generate_series(:first_books + 1, :books) n;
SELECT setval(pg_get_serial_sequence('books', 'id'), :books);

INSERT INTO stock_movements (book_id, seq, delta, quantity_after, reason, entry_id, created_at)
    SELECT id, 1, quantity, quantity, 'initial', :'entry', created_at
    FROM books WHERE id > :first_books;

-- The sales: numbered, a few seconds apart, up to now. Ids are UUIDv7, like the service's.
CREATE TEMP TABLE sales AS
    SELECT n, at, 1 + 7919 * n % :books AS book_id, 2 + (n - 1) / :books AS seq,
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS id
    FROM (SELECT n, now() - (:orders - n) * interval '5 seconds' AS at
        FROM generate_series(1::bigint, :orders) n) numbered;

INSERT INTO orders
        (id, client_id, idempotency_key, request_hash, status, total_minor, created_at)
    SELECT s.id, :client, 'growth-' || n, sha256(n::text::bytea), 'placed', price_minor, at
    FROM sales s JOIN books b ON b.id = s.book_id ORDER BY n;

INSERT INTO stock_movements
        (book_id, seq, delta, quantity_after, reason, order_id, unit_price_minor, created_at)
    SELECT book_id, seq, -1, quantity - (seq - 1), 'sale', s.id, price_minor, at
    FROM sales s JOIN books b ON b.id = s.book_id ORDER BY n;

UPDATE books SET last_seq = last_seq + sold.copies, quantity = quantity - sold.copies
    FROM (SELECT book_id, count(*) AS copies FROM sales GROUP BY book_id) sold
    WHERE books.id = sold.book_id;

DROP TABLE sales;
SET maintenance_work_mem = '512MB';
SELECT definition FROM dropped ORDER BY is_foreign \gexec

VACUUM (FULL) books;
VACUUM (FREEZE, ANALYZE);

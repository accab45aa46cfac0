-- Ids of orders and entries are 16-byte blobs, times ISO 8601 text in UTC: SQLite has no types
-- of its own for them. STRICT makes a column refuse what is not of its type.

-- Who may call the service. The token itself is never stored, only its SHA-256.
CREATE TABLE clients (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role TEXT NOT NULL CHECK (role IN ('storefront', 'admin')),
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    revoked_at TEXT
) STRICT;

-- No index contains quantity or last_seq, as on PostgreSQL.
CREATE TABLE books (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    isbn TEXT NOT NULL UNIQUE CHECK (length(isbn) = 13 AND isbn NOT GLOB '*[^0-9]*'),
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    author TEXT NOT NULL CHECK (length(author) BETWEEN 1 AND 1000),
    price_minor INTEGER NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000),
    quantity INTEGER NOT NULL DEFAULT 0 CHECK (quantity BETWEEN 0 AND 2000000000),
    last_seq INTEGER NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    archived_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;

CREATE INDEX books_title_id ON books (title, id);
CREATE INDEX books_price_minor_id ON books (price_minor, id);

-- The id is a UUIDv7 made by the service before the transaction.
CREATE TABLE orders (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id INTEGER NOT NULL REFERENCES clients (id),
    idempotency_key TEXT CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    status TEXT NOT NULL CHECK (status IN ('held', 'placed', 'cancelled', 'expired')),
    total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
    expires_at TEXT,
    created_at TEXT NOT NULL,
    CONSTRAINT orders_client_id_idempotency_key UNIQUE (client_id, idempotency_key),
    CHECK (status <> 'held' OR expires_at IS NOT NULL)
) STRICT;

CREATE INDEX orders_client_id_id ON orders (client_id, id);

-- One act of an admin on the stock: to its movements what an order is to its sales.
CREATE TABLE stock_entries (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client_id INTEGER NOT NULL REFERENCES clients (id),
    reason TEXT NOT NULL CHECK (reason IN ('initial', 'restock', 'stocktake', 'return')),
    reference TEXT CHECK (length(reference) <= 200),
    order_id BLOB REFERENCES orders (id),
    idempotency_key TEXT CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    created_at TEXT NOT NULL,
    CONSTRAINT stock_entries_client_id_idempotency_key UNIQUE (client_id, idempotency_key),
    CHECK ((reason = 'return') = (order_id IS NOT NULL))
) STRICT;

CREATE INDEX stock_entries_order_id ON stock_entries (order_id) WHERE order_id IS NOT NULL;

-- The ledger, append-only. Its primary key is the last line of defence: two writers that read
-- the same state of a book both want the same seq, and one of them fails.
CREATE TABLE stock_movements (
    book_id INTEGER NOT NULL REFERENCES books (id),
    seq INTEGER NOT NULL CHECK (seq >= 1),
    delta INTEGER NOT NULL CHECK (delta <> 0),
    quantity_after INTEGER NOT NULL CHECK (quantity_after >= 0),
    reason TEXT NOT NULL
        CHECK (reason IN ('initial', 'sale', 'release', 'restock', 'stocktake', 'return')),
    order_id BLOB REFERENCES orders (id),
    entry_id BLOB REFERENCES stock_entries (id),
    unit_price_minor INTEGER CHECK (unit_price_minor BETWEEN 0 AND 100000000),
    created_at TEXT NOT NULL,
    PRIMARY KEY (book_id, seq),
    CHECK ((reason IN ('sale', 'release')) = (order_id IS NOT NULL)),
    CHECK ((order_id IS NULL) <> (entry_id IS NULL)),
    CHECK ((reason = 'sale') = (unit_price_minor IS NOT NULL)),
    CHECK (reason <> 'sale' OR delta < 0)
) STRICT;

CREATE INDEX stock_movements_order_id ON stock_movements (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX stock_movements_entry_id ON stock_movements (entry_id) WHERE entry_id IS NOT NULL;

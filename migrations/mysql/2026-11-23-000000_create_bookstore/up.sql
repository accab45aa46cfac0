-- Ids are BINARY(16), times DATETIME(6) in UTC: MySQL has neither a uuid (MariaDB's does not
-- exist in MySQL) nor a timestamp with time zone, and TIMESTAMP ends in 2038.

-- Who may call the service. The token itself is never stored, only its SHA-256.
CREATE TABLE clients (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(200) NOT NULL CHECK (char_length(name) >= 1),
    role VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        CHECK (role IN ('storefront', 'admin')),
    token_hash BINARY(32) NOT NULL UNIQUE,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    revoked_at DATETIME(6)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- No index contains quantity or last_seq, as on PostgreSQL.
CREATE TABLE books (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    isbn CHAR(13) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE
        CHECK (isbn REGEXP '^[0-9]{13}$'),
    title VARCHAR(500) NOT NULL CHECK (char_length(title) >= 1),
    author VARCHAR(1000) NOT NULL CHECK (char_length(author) >= 1),
    price_minor INT NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000),
    quantity INT NOT NULL DEFAULT 0 CHECK (quantity BETWEEN 0 AND 2000000000),
    last_seq BIGINT NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    version BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1),
    archived_at DATETIME(6),
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    INDEX books_title_id (title, id),
    INDEX books_price_minor_id (price_minor, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The id is a UUIDv7 made by the service before the transaction.
CREATE TABLE orders (
    id BINARY(16) NOT NULL PRIMARY KEY,
    client_id BIGINT NOT NULL,
    idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    request_hash BINARY(32) NOT NULL,
    status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        CHECK (status IN ('held', 'placed', 'cancelled', 'expired')),
    total_minor BIGINT NOT NULL CHECK (total_minor >= 0),
    expires_at DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT orders_client_id_idempotency_key UNIQUE (client_id, idempotency_key),
    INDEX orders_client_id_id (client_id, id),
    CONSTRAINT orders_client_id_fk FOREIGN KEY (client_id) REFERENCES clients (id),
    CHECK (status <> 'held' OR expires_at IS NOT NULL)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One act of an admin on the stock: to its movements what an order is to its sales.
CREATE TABLE stock_entries (
    id BINARY(16) NOT NULL PRIMARY KEY,
    client_id BIGINT NOT NULL,
    reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        CHECK (reason IN ('initial', 'restock', 'stocktake', 'return')),
    reference VARCHAR(200),
    order_id BINARY(16),
    idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
    request_hash BINARY(32) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT stock_entries_client_id_idempotency_key UNIQUE (client_id, idempotency_key),
    INDEX stock_entries_order_id (order_id),
    CONSTRAINT stock_entries_client_id_fk FOREIGN KEY (client_id) REFERENCES clients (id),
    CONSTRAINT stock_entries_order_id_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CHECK ((reason = 'return') = (order_id IS NOT NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The ledger, append-only. Its primary key is the last line of defence: two writers that read
-- the same state of a book both want the same seq, and one of them fails.
CREATE TABLE stock_movements (
    book_id BIGINT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 1),
    delta INT NOT NULL CHECK (delta <> 0),
    quantity_after INT NOT NULL CHECK (quantity_after >= 0),
    reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        CHECK (reason IN ('initial', 'sale', 'release', 'restock', 'stocktake', 'return')),
    order_id BINARY(16),
    entry_id BINARY(16),
    unit_price_minor INT CHECK (unit_price_minor BETWEEN 0 AND 100000000),
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (book_id, seq),
    INDEX stock_movements_order_id (order_id),
    INDEX stock_movements_entry_id (entry_id),
    CONSTRAINT stock_movements_book_id_fk FOREIGN KEY (book_id) REFERENCES books (id),
    CONSTRAINT stock_movements_order_id_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT stock_movements_entry_id_fk FOREIGN KEY (entry_id) REFERENCES stock_entries (id),
    CHECK ((reason IN ('sale', 'release')) = (order_id IS NOT NULL)),
    CHECK ((order_id IS NULL) <> (entry_id IS NULL)),
    CHECK ((reason = 'sale') = (unit_price_minor IS NOT NULL)),
    CHECK (reason <> 'sale' OR delta < 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

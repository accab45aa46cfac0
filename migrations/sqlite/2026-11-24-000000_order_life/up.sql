-- What holds, cancellations and returns are looked up by. An order that is placed at once is in none
-- of the partial indexes.

-- The holds that run out next.
CREATE INDEX orders_expires_at_id ON orders (expires_at, id) WHERE status = 'held';

-- Pages of what was given up. Two, since a query must say the very words of a partial index.
CREATE INDEX orders_cancelled ON orders (id) WHERE status = 'cancelled';
CREATE INDEX orders_expired ON orders (id) WHERE status = 'expired';

-- Pages of a time.
CREATE INDEX orders_created_at ON orders (created_at);

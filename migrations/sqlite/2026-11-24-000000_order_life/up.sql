-- What holds, cancellations and returns are looked up by. An order that is placed at once is in none
-- of the partial indexes.

-- The holds that run out next.
CREATE INDEX orders_expires_at_id ON orders (expires_at, id) WHERE status = 'held';

-- Pages of what is held, cancelled or expired. Nearly all orders are placed: those need no index.
CREATE INDEX orders_status_id ON orders (status, id) WHERE status <> 'placed';

-- Pages of a time.
CREATE INDEX orders_created_at ON orders (created_at);

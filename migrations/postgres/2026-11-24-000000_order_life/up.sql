-- What holds, cancellations and returns are looked up by. An order that is placed at once is in none
-- of the partial indexes, so that it costs what it did.

-- The holds that run out next.
CREATE INDEX orders_expires_at_id ON orders (expires_at, id) WHERE status = 'held';

-- Pages of what is held, cancelled or expired. Nearly all orders are placed: those need no index.
CREATE INDEX orders_status_id ON orders (status, id) WHERE status <> 'placed';

-- Pages of a time. Orders are appended in the order of this column: a block range index has all it
-- needs in a few pages, and an insert hardly touches it.
CREATE INDEX orders_created_at ON orders USING brin (created_at) WITH (pages_per_range = 32);

-- What holds, cancellations and returns are looked up by. An order that is placed at once is in none
-- of the partial indexes, so that it costs what it did. While an index is built, sales wait: some
-- seconds for each million orders.

-- The holds that run out next.
CREATE INDEX orders_expires_at_id ON orders (expires_at, id) WHERE status = 'held';

-- Pages of what was given up. What is held has the index above, and must not be in this one: whoever
-- plans before the tables are analysed would take it for the shorter way.
CREATE INDEX orders_given_up ON orders (status, id) WHERE status IN ('cancelled', 'expired');

-- Pages of a time.
CREATE INDEX orders_created_at ON orders (created_at);

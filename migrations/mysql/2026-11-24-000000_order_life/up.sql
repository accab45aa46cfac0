-- What holds, cancellations and returns are looked up by.

-- The holds that run out next, and pages of what is held, cancelled or expired. There are no partial
-- indexes: what is placed at once is in it too, one behind the other, without an end.
CREATE INDEX orders_status_expires_at ON orders (status, expires_at);

-- Pages of a time.
CREATE INDEX orders_created_at ON orders (created_at);

-- What holds, cancellations and returns are looked up by: the holds that run out next, pages of a
-- status, pages of a time. There are no partial indexes: what is placed at once is in them too, one
-- behind the other. One statement, so that it is done whole or not at all.
ALTER TABLE orders
    ADD INDEX orders_status_expires_at (status, expires_at),
    ADD INDEX orders_status_id (status, id),
    ADD INDEX orders_created_at (created_at);

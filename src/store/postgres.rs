//! The two statements of a batch that only PostgreSQL has: what was there before, and all that is
//! sold. Each is parsed and planned once a connection, whatever the number of orders, and takes its
//! rows as arrays in their binary form; a VALUES list would be parsed and planned for every batch.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};

use super::orders::Found;
use super::sql_types::{Id, Moment, Timestamptz, Uuid};
use crate::domain::{Movement, NewOrder, Sale};

/// Orders that are there already under the ids or the keys of others.
///
/// One lookup in an index for each id and each key, whatever the planner knows of the table: `OR`
/// between the two, or two lists for client and key, had it read the whole table.
struct Lookup<'a> {
    ids: Vec<Id>,
    clients: Vec<i64>,
    keys: Vec<&'a str>,
}

/// The orders that are there already for these: under the very id, or under the same key.
pub(super) fn settled(connection: &mut PgConnection, new: &[NewOrder]) -> QueryResult<Vec<Found>> {
    let keyed = new.iter().filter_map(|order| {
        Some((order.request.client.id.0, order.request.key.as_ref()?.as_str()))
    });
    let (clients, keys) = keyed.unzip();
    let lookup = Lookup { ids: new.iter().map(|order| Id(order.id.0)).collect(), clients, keys };
    lookup.load(connection)
}

impl QueryId for Lookup<'_> {
    type QueryId = Lookup<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Lookup<'_> {
    type SqlType = (Uuid, BigInt, Nullable<Text>, Binary);
}

impl RunQueryDsl<PgConnection> for Lookup<'_> {}

impl QueryFragment<Pg> for Lookup<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT id, client_id, idempotency_key, request_hash FROM orders WHERE id = ANY(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql(
            ") UNION ALL SELECT id, orders.client_id, idempotency_key, request_hash FROM unnest(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.clients)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.keys)?;
        out.push_sql(
            ") AS asked (client_id, key) JOIN orders \
             ON orders.client_id = asked.client_id AND idempotency_key = key",
        );
        Ok(())
    }
}

/// The rows of a batch, column by column, in the order of the placeholders.
#[derive(Default)]
struct Rows<'a> {
    order_ids: Vec<Id>,
    clients: Vec<i64>,
    keys: Vec<Option<&'a str>>,
    hashes: Vec<&'a [u8]>,
    totals: Vec<i64>,
    movement_orders: Vec<Id>,
    movement_books: Vec<i64>,
    seqs: Vec<i64>,
    deltas: Vec<i32>,
    quantities_after: Vec<i32>,
    prices: Vec<Option<i32>>,
    books: Vec<i64>,
    quantities: Vec<i32>,
    last_seqs: Vec<i64>,
}

/// Writes orders and movements, saves the stock of each book once, and tells the time it gave them.
/// The rows of the books must be locked.
pub(super) fn write_sales(
    connection: &mut PgConnection,
    sold: &[(&NewOrder, &Sale)],
) -> QueryResult<DateTime<Utc>> {
    let mut rows = Rows::default();
    let mut newest: BTreeMap<i64, &Movement> = BTreeMap::new();
    for (order, sale) in sold {
        rows.order_ids.push(Id(order.id.0));
        rows.clients.push(order.request.client.id.0);
        rows.keys.push(order.request.key.as_ref().map(|key| key.as_str()));
        rows.hashes.push(&order.request.hash.0);
        rows.totals.push(sale.total_minor);
        for movement in &sale.movements {
            rows.movement_orders.push(Id(order.id.0));
            rows.movement_books.push(movement.book_id.0);
            rows.seqs.push(movement.seq);
            rows.deltas.push(movement.delta);
            rows.quantities_after.push(movement.quantity_after);
            rows.prices.push(movement.unit_price_minor);
            newest.insert(movement.book_id.0, movement);
        }
    }
    for (book_id, movement) in newest {
        rows.books.push(book_id);
        rows.quantities.push(movement.quantity_after);
        rows.last_seqs.push(movement.seq);
    }
    let Moment(now) = rows.get_result(connection)?;
    Ok(now)
}

impl QueryId for Rows<'_> {
    type QueryId = Rows<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Rows<'_> {
    type SqlType = Timestamptz;
}

impl RunQueryDsl<PgConnection> for Rows<'_> {}

impl QueryFragment<Pg> for Rows<'_> {
    /// ```sql
    /// WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now),
    /// placed AS (INSERT INTO orders ... SELECT ... FROM unnest($1, $2, $3, $4, $5)),
    /// moved AS (INSERT INTO stock_movements ... SELECT ... FROM unnest($6, ..., $11)),
    /// saved AS (UPDATE books SET ... FROM unnest($12, $13, $14))
    /// SELECT now FROM moment
    /// ```
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now), placed AS (\
             INSERT INTO orders (id, client_id, idempotency_key, request_hash, status, \
             total_minor, created_at) \
             SELECT id, client_id, key, hash, 'placed', total, now FROM unnest(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.order_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.clients)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.hashes)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.totals)?;
        out.push_sql(
            ") AS sold (id, client_id, key, hash, total), moment), moved AS (\
             INSERT INTO stock_movements (order_id, book_id, seq, delta, quantity_after, \
             unit_price_minor, reason, created_at) \
             SELECT order_id, book_id, seq, delta, quantity_after, price, 'sale', now FROM unnest(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.movement_orders)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.movement_books)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.seqs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.deltas)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.quantities_after)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Integer>>, _>(&self.prices)?;
        out.push_sql(
            ") AS line (order_id, book_id, seq, delta, quantity_after, price), moment), \
             saved AS (UPDATE books SET quantity = shelf.quantity, last_seq = shelf.last_seq \
             FROM unnest(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.books)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.quantities)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.last_seqs)?;
        out.push_sql(
            ") AS shelf (book_id, quantity, last_seq) WHERE books.id = shelf.book_id) \
             SELECT now FROM moment",
        );
        Ok(())
    }
}

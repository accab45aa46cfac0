//! The ledger and the stock of a batch: movements appended, each book saved once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use crate::domain::{Movement, OrderId};
use crate::store::movements::Origin;
use crate::store::sql_types::{Id, Moment, Timestamptz, Uuid};

/// Movements and the books they leave behind, column by column.
#[derive(Default)]
pub(super) struct Ledger {
    orders: Vec<Option<Id>>,
    entries: Vec<Option<Id>>,
    books: Vec<i64>,
    seqs: Vec<i64>,
    deltas: Vec<i32>,
    quantities_after: Vec<i32>,
    reasons: Vec<&'static str>,
    prices: Vec<Option<i32>>,
    // By book: quantity and number of its newest movement.
    newest: BTreeMap<i64, (i32, i64)>,
    moved_books: Vec<i64>,
    quantities: Vec<i32>,
    last_seqs: Vec<i64>,
}

impl Ledger {
    /// The rows of `moved`, which must be in the order of their numbers.
    pub(super) fn of(moved: impl Iterator<Item = (Origin, Movement)>) -> Self {
        let mut rows = Self::default();
        for (origin, movement) in moved {
            let (order, entry) = match origin {
                Origin::Order(OrderId(id)) => (Some(Id(id)), None),
                Origin::Entry(entry) => (None, Some(Id(entry.0))),
            };
            rows.orders.push(order);
            rows.entries.push(entry);
            rows.books.push(movement.book_id.0);
            rows.seqs.push(movement.seq);
            rows.deltas.push(movement.delta);
            rows.quantities_after.push(movement.quantity_after);
            rows.reasons.push(movement.reason.as_str());
            rows.prices.push(movement.unit_price_minor);
            rows.newest.insert(movement.book_id.0, (movement.quantity_after, movement.seq));
        }
        for (&book, &(quantity, last_seq)) in &rows.newest {
            rows.moved_books.push(book);
            rows.quantities.push(quantity);
            rows.last_seqs.push(last_seq);
        }
        rows
    }
}

/// Two parts of a WITH, after one named `moment` that has the time in its column `now`:
///
/// ```sql
/// moved AS (INSERT INTO stock_movements ... SELECT ... FROM unnest(...), moment),
/// saved AS (UPDATE books SET ... FROM unnest(...))
/// ```
impl QueryFragment<Pg> for Ledger {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "moved AS (INSERT INTO stock_movements (order_id, entry_id, book_id, seq, delta, \
             quantity_after, reason, unit_price_minor, created_at) \
             SELECT order_id, entry_id, book_id, seq, delta, quantity_after, reason, price, now \
             FROM unnest(",
        );
        out.push_bind_param::<Array<Nullable<Uuid>>, _>(&self.orders)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Uuid>>, _>(&self.entries)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.books)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.seqs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.deltas)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.quantities_after)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.reasons)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Integer>>, _>(&self.prices)?;
        out.push_sql(
            ") AS line (order_id, entry_id, book_id, seq, delta, quantity_after, reason, price), \
             moment), \
             saved AS (UPDATE books SET quantity = shelf.quantity, last_seq = shelf.last_seq \
             FROM unnest(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.moved_books)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.quantities)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.last_seqs)?;
        out.push_sql(") AS shelf (book_id, quantity, last_seq) WHERE books.id = shelf.book_id)");
        Ok(())
    }
}

/// `WITH moment AS (SELECT $1 AS now), moved AS (...), saved AS (...) SELECT now FROM moment`
struct Record {
    now: Moment,
    ledger: Ledger,
}

/// Appends movements to the ledger and saves the stock of each book once. The rows of the books must
/// be locked.
pub(in crate::store) fn record(
    connection: &mut PgConnection,
    moved: &[(Origin, Movement)],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let ledger = Ledger::of(moved.iter().copied());
    Record { now: Moment(now), ledger }.execute(connection)?;
    Ok(())
}

impl QueryId for Record {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Record {
    type SqlType = Timestamptz;
}

impl RunQueryDsl<PgConnection> for Record {}

impl QueryFragment<Pg> for Record {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH moment AS (SELECT ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" AS now), ");
        self.ledger.walk_ast(out.reborrow())?;
        out.push_sql(" SELECT now FROM moment");
        Ok(())
    }
}

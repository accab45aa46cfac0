//! All that a batch sells, in one statement.

use chrono::{DateTime, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};

use super::ledger::Ledger;
use crate::domain::{NewOrder, Sale};
use crate::store::movements::Origin;
use crate::store::sql_types::{Id, Moment, Timestamptz, Uuid};

/// The rows of a batch, column by column, in the order of the placeholders.
struct Rows<'a> {
    ids: Vec<Id>,
    clients: Vec<i64>,
    keys: Vec<Option<&'a str>>,
    hashes: Vec<&'a [u8]>,
    totals: Vec<i64>,
    // Seconds; none for what is sold at once.
    holds: Vec<Option<i32>>,
    ledger: Ledger,
}

/// Writes orders and movements, saves the stock of each book once, and tells the time it gave them.
/// The rows of the books must be locked.
pub(in crate::store) fn write_sales(
    connection: &mut PgConnection,
    sold: &[(&NewOrder, &Sale)],
) -> QueryResult<DateTime<Utc>> {
    let orders = || sold.iter().map(|(order, _)| order);
    let moved = sold.iter().flat_map(|(order, sale)| {
        sale.movements.iter().map(|movement| (Origin::Order(order.id), *movement))
    });
    let rows = Rows {
        ids: orders().map(|order| Id(order.id.0)).collect(),
        clients: orders().map(|order| order.request.client.id.0).collect(),
        keys: orders().map(|order| order.request.key.as_ref().map(|key| key.as_str())).collect(),
        hashes: orders().map(|order| &order.request.hash.0[..]).collect(),
        totals: sold.iter().map(|(_, sale)| sale.total_minor).collect(),
        holds: orders().map(|order| order.hold.map(|hold| hold.get())).collect(),
        ledger: Ledger::of(moved),
    };
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
    /// placed AS (INSERT INTO orders ... SELECT ... FROM unnest($1, $2, $3, $4, $5, $6), moment),
    /// moved AS (...), saved AS (...)
    /// SELECT now FROM moment
    /// ```
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now), placed AS (\
             INSERT INTO orders (id, client_id, idempotency_key, request_hash, status, \
             total_minor, expires_at, created_at) \
             SELECT id, client_id, key, hash, \
             CASE WHEN hold IS NULL THEN 'placed' ELSE 'held' END, total, \
             now + hold * interval '1 second', now FROM unnest(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.clients)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.hashes)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.totals)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Integer>>, _>(&self.holds)?;
        out.push_sql(") AS sold (id, client_id, key, hash, total, hold), moment), ");
        self.ledger.walk_ast(out.reborrow())?;
        out.push_sql(" SELECT now FROM moment");
        Ok(())
    }
}

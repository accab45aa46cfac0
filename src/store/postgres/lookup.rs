//! Which orders of a batch are there already.

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use crate::domain::NewOrder;
use crate::store::orders::Found;
use crate::store::sql_types::{Id, Uuid};

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
pub(in crate::store) fn settled(
    connection: &mut PgConnection,
    new: &[NewOrder],
) -> QueryResult<Vec<Found>> {
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

//! The table `orders`: written, found again, read back.

mod listing;
mod mark;
mod overdue;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

pub use listing::{Filter, holds_of, list};
pub use mark::HoldMark;
pub(super) use mark::has_status;
pub use overdue::overdue;

use super::connection::{AnyConnection, on_backend};
use super::error::Error;
use super::sql_types::{Id, Moment};
use super::{entries, movements};
use crate::domain::batch::Settled;
use crate::domain::{
    Client, ClientId, NewOrder, Order, OrderId, OrderStatus, Refusal, Request, RequestHash,
};
use crate::schema::orders;

/// The orders that are there already for these: under the same key, or under the very id, which
/// means that an earlier run of this transaction committed and its answer was lost.
pub(super) fn settled(
    connection: &mut AnyConnection,
    new: &[NewOrder],
) -> Result<Vec<Settled>, Error> {
    let rows = match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => super::postgres::settled(postgres, new)?,
        #[allow(unreachable_patterns, reason = "no other backend in some builds")]
        other => find_settled(other, new)?,
    };
    rows.into_iter()
        .map(|(id, client_id, key, hash)| {
            let hash = hash.try_into().map_err(|_| {
                Error::Unreadable(format!("order {} with a request hash of a wrong length", id.0))
            })?;
            Ok(Settled {
                id: OrderId(id.0),
                client_id: ClientId(client_id),
                key,
                hash: RequestHash(hash),
            })
        })
        .collect()
}

/// An order that was found: id, client, key and hash.
pub(super) type Found = (Id, i64, Option<String>, Vec<u8>);

fn find_settled(connection: &mut AnyConnection, new: &[NewOrder]) -> QueryResult<Vec<Found>> {
    let ids: Vec<Id> = new.iter().map(|order| Id(order.id.0)).collect();
    let keyed =
        || new.iter().filter_map(|order| Some((&order.request, order.request.key.as_ref()?)));
    let clients: BTreeSet<i64> = keyed().map(|(request, _)| request.client.id.0).collect();
    let keys: Vec<&str> = keyed().map(|(_, key)| key.as_str()).collect();
    orders::table
        .filter(
            orders::id
                .eq_any(ids)
                .or(orders::client_id.eq_any(clients).and(orders::idempotency_key.eq_any(keys))),
        )
        .select((orders::id, orders::client_id, orders::idempotency_key, orders::request_hash))
        .load(connection)
}

/// Whether `request`'s client made an order under this key.
pub(super) fn has_key(connection: &mut AnyConnection, request: &Request) -> QueryResult<bool> {
    let Some(key) = &request.key else { return Ok(false) };
    let found = orders::table
        .filter(orders::client_id.eq(request.client.id.0))
        .filter(orders::idempotency_key.eq(key.as_str()))
        .select(orders::client_id)
        .first::<i64>(connection)
        .optional()?;
    Ok(found.is_some())
}

#[derive(Insertable)]
#[diesel(table_name = orders, treat_none_as_default_value = false)]
struct NewRow<'a> {
    id: Id,
    client_id: i64,
    idempotency_key: Option<&'a str>,
    request_hash: &'a [u8],
    status: &'static str,
    total_minor: i64,
    expires_at: Option<Moment>,
    created_at: Moment,
}

/// Writes orders that were sold, each with its total.
pub(super) fn insert(
    connection: &mut AnyConnection,
    sold: &[(&NewOrder, i64)],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let rows: Vec<_> = sold
        .iter()
        .map(|(order, total_minor)| {
            let RequestHash(hash) = &order.request.hash;
            NewRow {
                id: Id(order.id.0),
                client_id: order.request.client.id.0,
                idempotency_key: order.request.key.as_ref().map(|key| key.as_str()),
                request_hash: hash,
                status: order.status().as_str(),
                total_minor: *total_minor,
                expires_at: order.expires_at(now).map(Moment),
                created_at: Moment(now),
            }
        })
        .collect();
    for some in rows.chunks(movements::ROWS_AT_ONCE) {
        on_backend!(connection, concrete => {
            diesel::insert_into(orders::table).values(some).execute(concrete)
        })?;
    }
    Ok(())
}

/// Gives orders another status. Their rows must be locked. A hold that ended in time has no end any
/// more; one that expired keeps the moment.
pub(super) fn set_status(
    connection: &mut AnyConnection,
    order_ids: &[OrderId],
    status: OrderStatus,
) -> QueryResult<()> {
    if order_ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Id> = order_ids.iter().map(|id| Id(id.0)).collect();
    let rows = orders::table.filter(orders::id.eq_any(ids));
    let word = orders::status.eq(status.as_str());
    on_backend!(connection, concrete => match status {
        OrderStatus::Expired => diesel::update(rows).set(word).execute(concrete),
        _ => {
            let no_end = orders::expires_at.eq(None::<Moment>);
            diesel::update(rows).set((word, no_end)).execute(concrete)
        }
    })?;
    Ok(())
}

/// The status that `word` in the row of order `id` names.
pub(super) fn read_status(id: OrderId, word: &str) -> Result<OrderStatus, Error> {
    OrderStatus::from_word(word)
        .ok_or_else(|| Error::Unreadable(format!("order {id} with the unknown status {word:?}")))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
struct Row {
    id: Id,
    client_id: i64,
    status: String,
    total_minor: i64,
    expires_at: Option<Moment>,
    created_at: Moment,
}

/// Completes rows to orders, in the same order.
fn complete(connection: &mut AnyConnection, rows: Vec<Row>) -> Result<Vec<Order>, Error> {
    let ids: Vec<_> = rows.iter().map(|row| OrderId(row.id.0)).collect();
    let mut lines = movements::lines_of(connection, &ids)?;
    let placed = rows.iter().filter(|row| row.status == OrderStatus::Placed.as_str());
    let placed: Vec<_> = placed.map(|row| OrderId(row.id.0)).collect();
    for ((order_id, book_id), copies) in entries::returned_copies(connection, &placed)? {
        let line = lines.get_mut(&order_id).into_iter().flatten();
        line.filter(|line| line.book_id == book_id).for_each(|line| line.returned = copies);
    }
    rows.into_iter()
        .map(|row| {
            let id = OrderId(row.id.0);
            let status = read_status(id, &row.status)?;
            Ok(Order {
                id,
                client_id: ClientId(row.client_id),
                status,
                expires_at: row.expires_at.map(|moment| moment.0),
                lines: lines.remove(&id).unwrap_or_default(),
                total_minor: row.total_minor,
                created_at: row.created_at.0,
            })
        })
        .collect()
}

/// The orders with these ids, in no particular order.
pub(super) fn load(connection: &mut AnyConnection, ids: &[OrderId]) -> Result<Vec<Order>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Id> = ids.iter().map(|id| Id(id.0)).collect();
    let rows =
        orders::table.filter(orders::id.eq_any(ids)).select(Row::as_select()).load(connection)?;
    complete(connection, rows)
}

/// One order, as `client` may see it.
///
/// # Errors
/// [`Refusal::UnknownOrder`] if there is none, or it is another client's.
pub fn find(connection: &mut AnyConnection, client: Client, id: OrderId) -> Result<Order, Error> {
    let order = load(connection, &[id])?.pop();
    Ok(order.filter(|order| client.may_see(order.client_id)).ok_or(Refusal::UnknownOrder)?)
}

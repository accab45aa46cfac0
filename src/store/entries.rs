//! The table `stock_entries`: what admins did to the stock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connection::{AnyConnection, on_backend};
use super::error::Error;
use super::movements;
use super::sql_types::{Id, Moment};
use crate::domain::{
    BookId, ClientId, EntryId, NewEntry, NewOrder, OrderId, Reason, Refusal, StockEntry,
};
use crate::schema::{stock_entries, stock_movements};

#[derive(Queryable, Selectable)]
#[diesel(table_name = stock_entries)]
struct Row {
    id: Id,
    reason: String,
    reference: Option<String>,
    order_id: Option<Id>,
    request_hash: Vec<u8>,
    created_at: Moment,
}

/// What became of `entry` before, if anything: under its key, or under its very id, which means
/// that an earlier run of this transaction committed and its answer was lost.
///
/// # Errors
/// [`Refusal::KeyReused`] if the key stands for another request, an order among them.
pub(super) fn settled(
    connection: &mut AnyConnection,
    entry: &NewEntry,
) -> Result<Option<StockEntry>, Error> {
    let request = &entry.request;
    // Without a key this compares with the empty one, which no row has.
    let key = request.key.as_ref().map_or("", |key| key.as_str());
    let row: Option<Row> = stock_entries::table
        .filter(
            stock_entries::id.eq(Id(entry.id.0)).or(stock_entries::client_id
                .eq(request.client.id.0)
                .and(stock_entries::idempotency_key.eq(key))),
        )
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    let Some(row) = row else {
        return match super::orders::has_key(connection, request)? {
            true => Err(Refusal::KeyReused.into()),
            false => Ok(None),
        };
    };
    if row.request_hash != request.hash.0 {
        return Err(Refusal::KeyReused.into());
    }
    let id = EntryId(row.id.0);
    let reason = Reason::from_word(&row.reason).ok_or_else(|| {
        Error::Unreadable(format!("stock entry {} with the unknown reason {:?}", id.0, row.reason))
    })?;
    let movements = movements::of_entry(connection, id, row.reference.as_deref())?;
    Ok(Some(StockEntry {
        id,
        reason,
        reference: row.reference,
        order_id: row.order_id.map(|id| OrderId(id.0)),
        created_at: row.created_at.0,
        movements,
    }))
}

/// Of the keys of these orders those under which the same client made a stock entry before. Only an
/// admin can have done that.
pub(super) fn taken_keys(
    connection: &mut AnyConnection,
    orders: &[NewOrder],
) -> QueryResult<Vec<(ClientId, String)>> {
    let keyed: Vec<_> = orders
        .iter()
        .map(|order| &order.request)
        .filter(|request| request.client.is_admin())
        .filter_map(|request| Some((request.client.id, request.key.as_ref()?.as_str())))
        .collect();
    if keyed.is_empty() {
        return Ok(Vec::new());
    }
    let clients: BTreeSet<i64> = keyed.iter().map(|(client_id, _)| client_id.0).collect();
    let keys: Vec<&str> = keyed.iter().map(|(_, key)| *key).collect();
    let taken = stock_entries::table
        .filter(stock_entries::client_id.eq_any(clients))
        .filter(stock_entries::idempotency_key.eq_any(keys))
        .select((stock_entries::client_id, stock_entries::idempotency_key.assume_not_null()))
        .load::<(i64, String)>(connection)?;
    Ok(taken.into_iter().map(|(client_id, key)| (ClientId(client_id), key)).collect())
}

#[derive(Insertable)]
#[diesel(table_name = stock_entries, treat_none_as_default_value = false)]
struct NewRow<'a> {
    id: Id,
    client_id: i64,
    reason: &'static str,
    reference: Option<&'a str>,
    order_id: Option<Id>,
    idempotency_key: Option<&'a str>,
    request_hash: &'a [u8],
    created_at: Moment,
}

/// Writes a stock entry; a return belongs to an order.
pub(super) fn insert(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    reason: Reason,
    order_id: Option<OrderId>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let row = NewRow {
        id: Id(entry.id.0),
        client_id: entry.request.client.id.0,
        reason: reason.as_str(),
        reference: entry.reference.as_ref().map(|reference| reference.as_str()),
        order_id: order_id.map(|id| Id(id.0)),
        idempotency_key: entry.request.key.as_ref().map(|key| key.as_str()),
        request_hash: &entry.request.hash.0,
        created_at: Moment(now),
    };
    on_backend!(connection, concrete => {
        diesel::insert_into(stock_entries::table).values(&row).execute(concrete)
    })?;
    Ok(())
}

/// Copies that came back of each order, by book.
pub(super) fn returned_copies(
    connection: &mut AnyConnection,
    order_ids: &[OrderId],
) -> Result<BTreeMap<(OrderId, BookId), i32>, Error> {
    if order_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Id> = order_ids.iter().map(|id| Id(id.0)).collect();
    let rows = stock_entries::table
        .inner_join(stock_movements::table)
        .filter(stock_entries::order_id.eq_any(ids))
        .select((
            stock_entries::order_id.assume_not_null(),
            stock_movements::book_id,
            stock_movements::delta,
        ));
    let rows: Vec<(Id, i64, i32)> = on_backend!(connection, concrete => rows.load(concrete))?;
    let mut copies = BTreeMap::new();
    for (order_id, book_id, delta) in rows {
        *copies.entry((OrderId(order_id.0), BookId(book_id))).or_default() += delta;
    }
    Ok(copies)
}

/// Whether the entry with this id is there.
pub(super) fn exists(connection: &mut AnyConnection, id: EntryId) -> QueryResult<bool> {
    let found = stock_entries::table
        .find(Id(id.0))
        .select(stock_entries::client_id)
        .first::<i64>(connection)
        .optional()?;
    Ok(found.is_some())
}

//! The table `stock_movements`: the append-only ledger.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::books::Page;
use super::connection::{AnyConnection, MultiBackend, on_backend};
use super::error::Error;
use super::sql_types::{Id, Moment};
use crate::domain::{
    BookId, EntryId, Movement, OrderId, OrderLine, OrderedLine, Reason, RecordedMovement,
};
use crate::schema::{books, stock_entries, stock_movements};

/// Rows in one INSERT: with nine values each this stays below every database's limit of bound
/// values, the least being SQLite's 32,766.
pub(super) const ROWS_AT_ONCE: usize = 1_000;

/// What a movement belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    Order(OrderId),
    Entry(EntryId),
}

#[derive(Insertable)]
#[diesel(table_name = stock_movements, treat_none_as_default_value = false)]
struct NewRow {
    book_id: i64,
    seq: i64,
    delta: i32,
    quantity_after: i32,
    reason: &'static str,
    order_id: Option<Id>,
    entry_id: Option<Id>,
    unit_price_minor: Option<i32>,
    created_at: Moment,
}

/// Appends movements to the ledger. The books must be locked; should they not be, the primary key
/// refuses a number that another writer took.
pub(super) fn append(
    connection: &mut AnyConnection,
    movements: &[(Origin, Movement)],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let rows: Vec<_> = movements
        .iter()
        .map(|(origin, movement)| NewRow {
            book_id: movement.book_id.0,
            seq: movement.seq,
            delta: movement.delta,
            quantity_after: movement.quantity_after,
            reason: movement.reason.as_str(),
            order_id: if let Origin::Order(id) = origin { Some(Id(id.0)) } else { None },
            entry_id: if let Origin::Entry(id) = origin { Some(Id(id.0)) } else { None },
            unit_price_minor: movement.unit_price_minor,
            created_at: Moment(now),
        })
        .collect();
    for some in rows.chunks(ROWS_AT_ONCE) {
        on_backend!(connection, concrete => {
            diesel::insert_into(stock_movements::table).values(some).execute(concrete)
        })?;
    }
    Ok(())
}

/// Appends movements to the ledger, which must be in the order of their numbers, and saves the stock
/// of each book that they moved, once. The books must be locked.
pub(super) fn record(
    connection: &mut AnyConnection,
    moved: &[(Origin, Movement)],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if moved.is_empty() {
        return Ok(());
    }
    match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => super::postgres::record(postgres, moved, now),
        #[allow(unreachable_patterns, reason = "no other backend in some builds")]
        other => {
            append(other, moved, now)?;
            let movements: Vec<_> = moved.iter().map(|(_, movement)| *movement).collect();
            super::books::save_stock(other, &movements)
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = stock_movements)]
struct Row {
    book_id: i64,
    seq: i64,
    delta: i32,
    quantity_after: i32,
    reason: String,
    order_id: Option<Id>,
    entry_id: Option<Id>,
    unit_price_minor: Option<i32>,
    created_at: Moment,
}

impl Row {
    fn read(self, reference: Option<String>) -> Result<RecordedMovement, Error> {
        let reason = Reason::from_word(&self.reason).ok_or_else(|| {
            Error::Unreadable(format!(
                "a movement of book {} with the unknown reason {:?}",
                self.book_id, self.reason
            ))
        })?;
        Ok(RecordedMovement {
            movement: Movement {
                book_id: BookId(self.book_id),
                seq: self.seq,
                delta: self.delta,
                quantity_after: self.quantity_after,
                reason,
                unit_price_minor: self.unit_price_minor,
            },
            order_id: self.order_id.map(|id| OrderId(id.0)),
            entry_id: self.entry_id.map(|id| EntryId(id.0)),
            reference,
            created_at: self.created_at.0,
        })
    }
}

/// A page of a book's movements, the newest first, before movement `after` if given.
///
/// # Errors
/// What the database says.
pub fn list(
    connection: &mut AnyConnection,
    book_id: BookId,
    reason: Option<Reason>,
    after: Option<i64>,
    limit: usize,
) -> Result<Page<RecordedMovement, i64>, Error> {
    let mut query = stock_movements::table
        .left_join(stock_entries::table)
        .filter(stock_movements::book_id.eq(book_id.0))
        .order(stock_movements::seq.desc())
        .select((Row::as_select(), stock_entries::reference.nullable()))
        .limit(limit as i64 + 1)
        .into_boxed::<MultiBackend>();
    if let Some(reason) = reason {
        query = query.filter(stock_movements::reason.eq(reason.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(stock_movements::seq.lt(after));
    }
    let rows: Vec<(Row, Option<String>)> = query.load(connection)?;
    let has_more = rows.len() > limit;
    let items = rows
        .into_iter()
        .take(limit)
        .map(|(row, reference)| row.read(reference))
        .collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| has_more).map(|last| last.movement.seq);
    Ok(Page { items, next })
}

/// The movements of a stock entry, in book id order.
pub(super) fn of_entry(
    connection: &mut AnyConnection,
    entry_id: EntryId,
    reference: Option<&str>,
) -> Result<Vec<RecordedMovement>, Error> {
    let rows: Vec<Row> = stock_movements::table
        .filter(stock_movements::entry_id.eq(Id(entry_id.0)))
        .order((stock_movements::book_id, stock_movements::seq))
        .select(Row::as_select())
        .load(connection)?;
    rows.into_iter().map(|row| row.read(reference.map(str::to_owned))).collect()
}

/// What each order took off the shelf, in the order of the ids.
pub(super) fn sales_of(
    connection: &mut AnyConnection,
    orders: &[OrderId],
) -> QueryResult<BTreeMap<OrderId, Vec<OrderLine>>> {
    if orders.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Id> = orders.iter().map(|id| Id(id.0)).collect();
    let rows = stock_movements::table
        .filter(stock_movements::order_id.eq_any(ids))
        .filter(stock_movements::reason.eq(Reason::Sale.as_str()))
        .select((
            stock_movements::order_id.assume_not_null(),
            stock_movements::book_id,
            stock_movements::delta,
        ));
    let rows: Vec<(Id, i64, i32)> = on_backend!(connection, concrete => rows.load(concrete))?;
    let mut lines = BTreeMap::<OrderId, Vec<OrderLine>>::new();
    for (order_id, book_id, delta) in rows {
        let line = OrderLine { book_id: BookId(book_id), copies: -delta };
        lines.entry(OrderId(order_id.0)).or_default().push(line);
    }
    Ok(lines)
}

/// The lines of each order: its sales, in book id order. What came back of them is not told here.
pub(super) fn lines_of(
    connection: &mut AnyConnection,
    orders: &[OrderId],
) -> Result<HashMap<OrderId, Vec<OrderedLine>>, Error> {
    let ids: Vec<Id> = orders.iter().map(|id| Id(id.0)).collect();
    let rows = stock_movements::table
        .inner_join(books::table)
        .filter(stock_movements::order_id.eq_any(ids))
        .filter(stock_movements::reason.eq(Reason::Sale.as_str()))
        .order((stock_movements::book_id, stock_movements::seq))
        .select((
            stock_movements::order_id,
            stock_movements::book_id,
            books::title,
            stock_movements::delta,
            stock_movements::unit_price_minor,
        ))
        .load::<(Option<Id>, i64, String, i32, Option<i32>)>(connection)?;
    let mut lines = HashMap::<OrderId, Vec<OrderedLine>>::new();
    for (order_id, book_id, title, delta, price) in rows {
        let (Some(order_id), Some(unit_price_minor)) = (order_id, price) else {
            return Err(Error::Unreadable(format!("a sale of book {book_id} without its price")));
        };
        lines.entry(OrderId(order_id.0)).or_default().push(OrderedLine {
            book_id: BookId(book_id),
            title,
            copies: -delta,
            unit_price_minor,
            returned: 0,
        });
    }
    Ok(lines)
}

//! What changes stock: orders, restocks, stocktakes, new books. Each function runs inside a
//! transaction that its caller opened, and all go the same way: lock the books in id order, look
//! whether the request was settled before, decide by the pure rules, write.

use std::collections::HashMap;

use super::connection::AnyConnection;
use super::error::Error;
use super::movements::Origin;
use super::{books, clock, entries, movements, orders};
use crate::domain::{
    self, Book, BookId, Counted, Delivered, Movement, NewBook, NewEntry, NewOrder, Order, OrderId,
    OrderStatus, OrderedLine, Placement, Reason, RecordedMovement, Refusal, Request, Sale, Shelf,
    StockEntry,
};

/// Places orders, in the order they came: each one whole or not at all, whatever becomes of the
/// others. The outcomes are those that the same orders would get one by one, in this order.
///
/// # Errors
/// Only what concerns the transaction as a whole; a refusal is an outcome.
pub fn place(
    connection: &mut AnyConnection,
    new: &[NewOrder],
) -> Result<Vec<Result<Placement, Refusal>>, Error> {
    let book_ids = new.iter().flat_map(|order| order.lines().iter().map(|line| line.book_id));
    // The lock comes before the look for earlier requests: a twin that is being placed now holds
    // these rows, and once it lets go its order can be seen.
    let mut shelf = books::lock(connection, book_ids)?;
    let settled = orders::settled(connection, new)?;
    let taken = entries::taken_keys(connection, new)?;

    let mut decisions: Vec<Decision> = Vec::with_capacity(new.len());
    for (index, order) in new.iter().enumerate() {
        let decision = if let Some(earlier) = settled.iter().find(|one| one.concerns(order)) {
            match earlier.is_same_request(&order.request) {
                true => Decision::Settled(earlier.id),
                false => Decision::Refused(Refusal::KeyReused),
            }
        } else if taken.contains(&&order.request) {
            Decision::Refused(Refusal::KeyReused)
        } else if let Some(twin) = twin(&new[..index], &decisions, &order.request) {
            match new[twin].request == order.request {
                true => Decision::Twin(twin),
                false => Decision::Refused(Refusal::KeyReused),
            }
        } else {
            domain::sell(&mut shelf, order).map_or_else(Decision::Refused, Decision::Sold)
        };
        decisions.push(decision);
    }

    let mut sold = write(connection, &shelf, new, &decisions)?;
    let earlier: Vec<_> = settled.iter().map(|one| one.id).collect();
    sold.extend(orders::load(connection, &earlier)?.into_iter().map(|order| (order.id, order)));
    let placement = |id: OrderId, is_replay| {
        let order = sold.get(&id).cloned();
        order
            .map(|order| Placement { order, is_replay })
            .ok_or_else(|| Error::Unreadable(format!("no order {id}, which was there just now")))
    };
    decisions
        .into_iter()
        .zip(new)
        .map(|(decision, order)| match decision {
            Decision::Refused(refusal) => Ok(Err(refusal)),
            Decision::Sold(_) => placement(order.id, false).map(Ok),
            // The same id means that it was this request that committed: no replay for its client.
            Decision::Settled(id) => placement(id, id != order.id).map(Ok),
            Decision::Twin(twin) => placement(new[twin].id, true).map(Ok),
        })
        .collect()
}

/// What is to become of one order of a transaction.
enum Decision {
    Sold(Sale),
    Refused(Refusal),
    /// An earlier transaction placed it.
    Settled(OrderId),
    /// An order before it in this transaction has the same key, and was sold.
    Twin(usize),
}

/// The order among `before` that was sold under the key of `request`.
fn twin(before: &[NewOrder], decisions: &[Decision], request: &Request) -> Option<usize> {
    let key = request.key.as_ref()?;
    before.iter().zip(decisions).position(|(order, decision)| {
        matches!(decision, Decision::Sold(_))
            && order.request.client.id == request.client.id
            && order.request.key.as_ref() == Some(key)
    })
}

/// Writes all that was sold, in bulk, and returns it as orders.
fn write(
    connection: &mut AnyConnection,
    shelf: &Shelf,
    new: &[NewOrder],
    decisions: &[Decision],
) -> Result<HashMap<OrderId, Order>, Error> {
    let sold: Vec<(&NewOrder, &Sale)> = new
        .iter()
        .zip(decisions)
        .filter_map(|(order, decision)| match decision {
            Decision::Sold(sale) => Some((order, sale)),
            _ => None,
        })
        .collect();
    if sold.is_empty() {
        return Ok(HashMap::new());
    }
    let now = clock::now(connection)?;
    let totals: Vec<_> = sold.iter().map(|(order, sale)| (*order, sale.total_minor)).collect();
    let moved: Vec<_> = sold
        .iter()
        .flat_map(|(order, sale)| {
            sale.movements.iter().map(|movement| (Origin::Order(order.id), *movement))
        })
        .collect();
    orders::insert(connection, &totals, now)?;
    movements::append(connection, &moved, now)?;
    let moved: Vec<_> = moved.into_iter().map(|(_, movement)| movement).collect();
    books::save_stock(connection, &moved)?;
    let as_order = |(order, sale): (&NewOrder, &Sale)| Order {
        id: order.id,
        client_id: order.request.client.id,
        status: OrderStatus::Placed,
        expires_at: None,
        lines: sale.movements.iter().map(|movement| line(shelf, movement)).collect(),
        total_minor: sale.total_minor,
        created_at: now,
    };
    Ok(sold.into_iter().map(|one| (one.0.id, as_order(one))).collect())
}

fn line(shelf: &Shelf, sale: &Movement) -> OrderedLine {
    OrderedLine {
        book_id: sale.book_id,
        title: shelf.get(sale.book_id).map(|stock| stock.title.clone()).unwrap_or_default(),
        copies: -sale.delta,
        unit_price_minor: sale.unit_price_minor.unwrap_or_default(),
    }
}

/// The good end of a request for a stock entry.
#[derive(Debug, Clone)]
pub struct Entered {
    /// The entry with its movements.
    pub entry: StockEntry,
    /// Whether an earlier request with the same key had entered it already.
    pub is_replay: bool,
}

/// Puts copies that arrived on the shelf, all lines or none.
///
/// # Errors
/// [`Refusal::UnknownBooks`], [`Refusal::ShelfFull`], [`Refusal::KeyReused`].
pub fn restock(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    lines: &[(BookId, Delivered)],
) -> Result<Entered, Error> {
    let book_ids: Vec<_> = lines.iter().map(|(book_id, _)| *book_id).collect();
    enter(connection, entry, Reason::Restock, &book_ids, |shelf| domain::restock(shelf, lines))
}

/// Makes the quantity of a book what an admin counted. An entry without movements if it was that
/// already.
///
/// # Errors
/// [`Refusal::UnknownBooks`], [`Refusal::StaleQuantity`], [`Refusal::KeyReused`].
pub fn stocktake(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    book_id: BookId,
    counted: Counted,
    expected: Option<Counted>,
) -> Result<Entered, Error> {
    enter(connection, entry, Reason::Stocktake, &[book_id], |shelf| {
        let movement = domain::stocktake(shelf, book_id, counted, expected)?;
        Ok(movement.into_iter().collect())
    })
}

/// The way that restocks and stocktakes go.
fn enter(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    reason: Reason,
    book_ids: &[BookId],
    rule: impl FnOnce(&mut Shelf) -> Result<Vec<Movement>, Refusal>,
) -> Result<Entered, Error> {
    let mut shelf = books::lock(connection, book_ids.iter().copied())?;
    if let Some(earlier) = entries::settled(connection, entry)? {
        return Ok(Entered { is_replay: earlier.id != entry.id, entry: earlier });
    }
    let moved = rule(&mut shelf)?;
    books::save_stock(connection, &moved)?;
    write_entry(connection, entry, reason, moved)
}

/// Writes an entry and appends its movements to the ledger.
fn write_entry(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    reason: Reason,
    moved: Vec<Movement>,
) -> Result<Entered, Error> {
    let now = clock::now(connection)?;
    entries::insert(connection, entry, reason, now)?;
    let rows: Vec<_> = moved.iter().map(|one| (Origin::Entry(entry.id), *one)).collect();
    movements::append(connection, &rows, now)?;
    let reference = entry.reference.as_ref().map(|reference| reference.as_str().to_owned());
    let movements = moved
        .into_iter()
        .map(|movement| RecordedMovement {
            movement,
            order_id: None,
            entry_id: Some(entry.id),
            reference: reference.clone(),
            created_at: now,
        })
        .collect();
    let entry = StockEntry { id: entry.id, reason, reference, created_at: now, movements };
    Ok(Entered { entry, is_replay: false })
}

/// The good end of a request for a new book.
#[derive(Debug, Clone)]
pub struct Created {
    /// The book as it was when it entered the catalogue.
    pub book: Book,
    /// Whether an earlier request with the same key had created it already.
    pub is_replay: bool,
}

/// Adds a book to the catalogue, with its first copies if it has any. `trace` is as for
/// [`books::edit`]: a book without copies and key leaves no other.
///
/// # Errors
/// [`Refusal::DuplicateIsbn`], [`Refusal::KeyReused`].
pub fn create_book(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    new: &NewBook,
    trace: &mut books::Trace,
) -> Result<Created, Error> {
    let there = books::find_by_isbn(connection, new.isbn)?;
    if let Some(earlier) = entries::settled(connection, entry)? {
        // Without movements the ISBN leads to the book; if that was edited since, nothing does.
        let book = match earlier.movements.first() {
            Some(first) => books::find(connection, first.movement.book_id)?,
            None => there.ok_or(Refusal::KeyReused)?,
        };
        return Ok(Created { book: as_created(book, new), is_replay: earlier.id != entry.id });
    }
    if let Some(there) = there {
        if *trace == Some(there.created_at) {
            return Ok(Created { book: there, is_replay: false });
        }
        return Err(Refusal::DuplicateIsbn { isbn: new.isbn, book_id: there.id }.into());
    }
    let now = clock::now(connection)?;
    *trace = Some(now);
    let (book_ids, first) = books::insert(connection, std::slice::from_ref(new), now)?;
    // A book without copies moves no stock, but its request may have a key to remember.
    if !first.is_empty() || entry.request.key.is_some() {
        write_entry(connection, entry, Reason::Initial, first)?;
    }
    let book = books::find(connection, book_ids[0])?;
    Ok(Created { book, is_replay: false })
}

/// The first answer again: `book` as it was when `new` created it.
fn as_created(book: Book, new: &NewBook) -> Book {
    Book {
        isbn: new.isbn.to_string(),
        title: new.title.as_str().to_owned(),
        author: new.author.as_str().to_owned(),
        price_minor: new.price.get(),
        quantity: new.quantity.get(),
        last_seq: i64::from(new.quantity.get() > 0),
        version: 1,
        archived_at: None,
        updated_at: book.created_at,
        ..book
    }
}

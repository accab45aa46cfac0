//! What admins do to the stock: restocks, stocktakes, returns, new books. Each function runs inside a
//! transaction that its caller opened, and all go the way of a sale: lock the books in id order,
//! look whether the request was settled before, decide by the pure rules, write.

use chrono::{DateTime, Utc};

use super::connection::AnyConnection;
use super::error::Error;
use super::movements::Origin;
use super::{books, clock, entries, locking, movements, orders};
use crate::domain::{
    self, Book, BookId, Copies, Counted, Delivered, Movement, NewBook, NewEntry, OrderId,
    OrderStatus, Reason, RecordedMovement, Refusal, Shelf, StockEntry,
};

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
    let now = clock::now(connection)?;
    write_entry(connection, entry, reason, None, moved, now)
}

/// Puts on the shelf what a buyer brought back of an order, all lines or none. The order's row is
/// locked first: of two who bring back the same copy one waits, and then sees that it is back.
///
/// # Errors
/// [`Refusal::UnknownOrder`], [`Refusal::NotReturnable`], [`Refusal::ReturnsExceedSale`],
/// [`Refusal::ShelfFull`], [`Refusal::KeyReused`].
pub fn take_back(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    order_id: OrderId,
    lines: &[(BookId, Copies)],
) -> Result<Entered, Error> {
    locking::orders(connection, [order_id])?;
    let mut shelf = books::lock(connection, lines.iter().map(|(book_id, _)| *book_id))?;
    if let Some(earlier) = entries::settled(connection, entry)? {
        return Ok(Entered { is_replay: earlier.id != entry.id, entry: earlier });
    }
    let order = orders::find(connection, entry.request.client, order_id)?;
    if order.status != OrderStatus::Placed {
        return Err(Refusal::NotReturnable { status: order.status }.into());
    }
    let moved = domain::take_back(&mut shelf, &order.lines, lines)?;
    let now = clock::now(connection)?;
    write_entry(connection, entry, Reason::Return, Some(order_id), moved, now)
}

/// Writes an entry with its movements and saves the stock of the books that moved. `now` is the moment of a
/// book that comes with it: see [`created_at`].
fn write_entry(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    reason: Reason,
    order_id: Option<OrderId>,
    moved: Vec<Movement>,
    now: DateTime<Utc>,
) -> Result<Entered, Error> {
    entries::insert(connection, entry, reason, order_id, now)?;
    let rows: Vec<_> = moved.iter().map(|one| (Origin::Entry(entry.id), *one)).collect();
    movements::record(connection, &rows, now)?;
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
    let entry =
        StockEntry { id: entry.id, reason, reference, order_id, created_at: now, movements };
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
        let book = match earlier.movements.first() {
            Some(first) => books::find(connection, first.movement.book_id)?,
            None => created_at(connection, earlier.created_at, there)?,
        };
        wait_for_standby(connection, book.id)?;
        return Ok(Created { book: as_created(book, new), is_replay: earlier.id != entry.id });
    }
    // A book without copies moves no stock, but its request may have a key to remember.
    let leaves_an_entry = new.quantity.get() > 0 || entry.request.key.is_some();
    if let Some(there) = there {
        if !leaves_an_entry && trace.contains(&there.created_at) {
            wait_for_standby(connection, there.id)?;
            return Ok(Created { book: there, is_replay: false });
        }
        return Err(Refusal::DuplicateIsbn { isbn: new.isbn, book_id: there.id }.into());
    }
    let now = clock::now(connection)?;
    trace.push(now);
    let (book_ids, first) = books::insert(connection, std::slice::from_ref(new), now)?;
    if leaves_an_entry {
        write_entry(connection, entry, Reason::Initial, None, first, now)?;
    }
    let book = books::find(connection, book_ids[0])?;
    Ok(Created { book, is_replay: false })
}

/// The book that an entry without movements created: no movement says which, but both are of one moment.
/// `there` is the one that has the ISBN now. That may be another by now, and the book have another ISBN.
///
/// # Errors
/// [`Refusal::KeyReused`] if several books are of that moment, so that nobody can tell.
fn created_at(
    connection: &mut AnyConnection,
    moment: DateTime<Utc>,
    there: Option<Book>,
) -> Result<Book, Error> {
    match there {
        // Never edited and no younger: it had this ISBN then, which no two have.
        Some(there) if there.created_at <= moment && there.version == 1 => Ok(there),
        _ => Ok(books::only_one_created_at(connection, moment)?.ok_or(Refusal::KeyReused)?),
    }
}

/// Lets the commit wait for PostgreSQL's synchronous standby, which that of a transaction that locked nothing
/// does not. Who is told of an earlier commit must have it there: that one may have broken off while it
/// waited.
fn wait_for_standby(connection: &mut AnyConnection, book_id: BookId) -> Result<(), Error> {
    locking::books(connection, [book_id])?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Isbn, Price, Title};

    #[test]
    fn a_book_is_told_as_it_was_when_it_was_created() {
        let moment = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (copies, last_seq) in [(0, 0), (3, 1)] {
            let new = NewBook {
                isbn: Isbn::parse("9780743273565").unwrap(),
                title: Title::parse("Then").unwrap(),
                author: Author::parse("A. Writer").unwrap(),
                price: Price::parse(1_000).unwrap(),
                quantity: Counted::parse(copies).unwrap(),
            };
            let now = Book {
                id: BookId(7),
                isbn: "9780062315007".to_owned(),
                title: "Now".to_owned(),
                author: "Another".to_owned(),
                price_minor: 2_000,
                quantity: 50,
                last_seq: 9,
                version: 4,
                archived_at: Some(moment),
                created_at: moment,
                updated_at: moment + chrono::TimeDelta::days(1),
            };
            let then = as_created(now.clone(), &new);
            let expected = Book {
                isbn: "9780743273565".to_owned(),
                title: "Then".to_owned(),
                author: "A. Writer".to_owned(),
                price_minor: 1_000,
                quantity: copies as i32,
                last_seq,
                version: 1,
                archived_at: None,
                updated_at: moment,
                ..now
            };
            assert_eq!(then, expected);
        }
    }
}

// They open a store, in a file.
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests_of_keys {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::domain::{BookEdit, IdempotencyKey, Isbn, Role};
    use crate::store::throwaway::{self, Throwaway};

    #[test]
    fn a_book_without_copies_and_without_a_key_leaves_no_entry() {
        let shop = Throwaway::migrated();
        let admin = shop.client(Role::Admin);
        for (number, copies, key, leaves_one) in
            [(1, 0, None, false), (2, 1, None, true), (3, 0, Some("a key"), true)]
        {
            let mut entry = throwaway::entry(admin);
            entry.request.key = key.map(|key| IdempotencyKey::parse(key.as_bytes()).unwrap());
            let new = throwaway::book(number, "A title", 1_000, copies);
            let there = shop.store.transaction(|it| {
                create_book(it, &entry, &new, &mut Vec::new())?;
                Ok(entries::exists(it, entry.id)?)
            });
            assert_eq!(there.unwrap(), leaves_one, "{copies} {key:?}");
        }
    }

    /// Its first run may have committed, although nobody heard of it.
    #[test]
    fn a_book_that_is_there_is_a_duplicate_unless_this_very_request_made_it() {
        let shop = Throwaway::migrated();
        let admin = shop.client(Role::Admin);
        for (number, copies) in [(1, 0), (2, 3)] {
            let new = throwaway::book(number, "A title", 1_000, copies);
            let mut trace = Vec::new();
            let create = |entry: &NewEntry, trace: &mut books::Trace| {
                shop.store.transaction(|it| create_book(it, entry, &new, trace))
            };
            let entry = throwaway::entry(admin);
            let first = create(&entry, &mut trace).unwrap();
            let again = create(&entry, &mut trace).unwrap();
            assert_eq!((again.book, again.is_replay), (first.book, false));
            let another = create(&throwaway::entry(admin), &mut Vec::new());
            assert!(matches!(another, Err(Error::Refused(Refusal::DuplicateIsbn { .. }))));
        }
    }

    /// As those of one file are.
    #[test]
    fn a_retry_finds_its_book_among_others_of_the_same_moment() {
        let shop = Throwaway::migrated();
        let admin = shop.client(Role::Admin);
        let mut entry = throwaway::entry(admin);
        entry.request.key = Some(IdempotencyKey::parse(b"a key").unwrap());
        let create = |new: &NewBook, entry: &NewEntry| {
            let created = |it: &mut AnyConnection| create_book(it, entry, new, &mut Vec::new());
            shop.store.transaction(created).unwrap()
        };
        let new = throwaway::book(1, "A title", 1_000, 0);
        let first = create(&new, &entry);
        create(&throwaway::book(2, "Another", 1_000, 0), &throwaway::entry(admin));
        let at_once = "UPDATE books SET created_at = (SELECT created_at FROM books WHERE id = 1)";
        shop.store.transaction(|it| Ok(it.batch_execute(at_once)?)).unwrap();
        let again = NewEntry { id: throwaway::entry(admin).id, ..entry };
        assert_eq!(create(&new, &again).book, first.book);
    }

    /// The older book got the ISBN that the younger one was created with.
    #[test]
    fn a_retry_finds_the_book_that_its_request_created_and_not_one_that_took_its_isbn() {
        let shop = Throwaway::migrated();
        let admin = shop.client(Role::Admin);
        let create = |number, key: &str| {
            let mut entry = throwaway::entry(admin);
            entry.request.key = Some(IdempotencyKey::parse(key.as_bytes()).unwrap());
            let new = throwaway::book(number, "A title", 1_000, 0);
            let created = |it: &mut AnyConnection| create_book(it, &entry, &new, &mut Vec::new());
            shop.store.transaction(created).unwrap()
        };
        let [older, younger] =
            [(1, "older"), (2, "younger")].map(|(number, key)| create(number, key));
        for (book, isbn) in [
            (&younger.book, throwaway::book(3, "A title", 0, 0).isbn),
            (&older.book, Isbn::parse(&younger.book.isbn).unwrap()),
        ] {
            let edit = BookEdit { isbn: Some(isbn), title: None, author: None, price: None };
            let edited =
                |it: &mut AnyConnection| books::edit(it, book.id, None, &edit, &mut Vec::new());
            shop.store.transaction(edited).unwrap();
        }
        let again = create(2, "younger");
        assert_eq!((again.book, again.is_replay), (younger.book, true));
    }
}

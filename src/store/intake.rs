//! Bulk intake of a catalogue: many books in one transaction.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

pub use super::books::index::Portion;
use super::connection::AnyConnection;
use super::error::Error;
use super::movements::Origin;
use super::{books, clock, entries, locking, movements};
use crate::domain::{BookEdit, BookId, NewBook, NewEntry, Reason};
use crate::schema::books as table;

/// A book that a catalogue file lists.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// What enters the catalogue if the book is not there.
    pub new: NewBook,
    /// What the file says of a book that is there. Its price only if the file has one.
    pub edit: BookEdit,
}

/// What became of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is new in the catalogue.
    Imported,
    /// It was there, and its catalogue fields now say what the file says.
    Updated,
    /// It was there and was left as it is.
    Existing,
}

/// Takes in arrivals with distinct ISBNs and tells what became of each. Their first copies belong
/// to `entry`, which may span several such transactions: one a file. Quantities of books that are
/// there are never touched.
///
/// # Errors
/// What the database says.
pub fn take_in(
    connection: &mut AnyConnection,
    entry: &NewEntry,
    arrivals: &[Arrival],
    update_existing: bool,
) -> Result<Vec<Fate>, Error> {
    let there = existing(connection, arrivals)?;
    let is_new = |arrival: &&Arrival| !there.contains_key(&arrival.new.isbn.to_string());
    let new: Vec<NewBook> =
        arrivals.iter().filter(is_new).map(|arrival| arrival.new.clone()).collect();
    if !new.is_empty() {
        let now = clock::now(connection)?;
        let (_, first) = books::insert(connection, &new, now)?;
        if !first.is_empty() {
            if !entries::exists(connection, entry.id)? {
                entries::insert(connection, entry, Reason::Initial, None, now)?;
            }
            let rows: Vec<_> =
                first.into_iter().map(|one| (Origin::Entry(entry.id), one)).collect();
            movements::append(connection, &rows, now)?;
        }
    }
    let stale: BTreeMap<BookId, &Arrival> = arrivals
        .iter()
        .filter(|_| update_existing)
        .filter_map(|arrival| {
            let book = there.get(&arrival.new.isbn.to_string())?;
            book.differs(&arrival.edit).then_some((book.id, arrival))
        })
        .collect();
    // One lock for all, in id order, as an order would take it.
    if !stale.is_empty() {
        locking::catalogue(connection)?;
        books::lock(connection, stale.keys().copied())?;
    }
    let mut fates: HashMap<String, Fate> = HashMap::new();
    let mut updated = Vec::with_capacity(stale.len());
    for (book_id, arrival) in stale {
        updated.push(books::revise(connection, book_id, None, &arrival.edit, &mut Vec::new())?);
        fates.insert(arrival.new.isbn.to_string(), Fate::Updated);
    }
    books::index_again(connection, &updated)?;
    Ok(arrivals
        .iter()
        .map(|arrival| match fates.get(&arrival.new.isbn.to_string()) {
            Some(fate) => *fate,
            None if is_new(&arrival) => Fate::Imported,
            None => Fate::Existing,
        })
        .collect())
}

/// What the catalogue says of a book that a file lists too.
struct Existing {
    id: BookId,
    title: String,
    author: String,
    price_minor: i32,
    is_archived: bool,
}

impl Existing {
    /// Whether `edit` would change it. An archived book is left alone.
    fn differs(&self, edit: &BookEdit) -> bool {
        !self.is_archived
            && (edit.title.as_ref().is_some_and(|title| title.as_str() != self.title)
                || edit.author.as_ref().is_some_and(|author| author.as_str() != self.author)
                || edit.price.is_some_and(|price| price.get() != self.price_minor))
    }
}

fn existing(
    connection: &mut AnyConnection,
    arrivals: &[Arrival],
) -> QueryResult<HashMap<String, Existing>> {
    let isbns: Vec<String> = arrivals.iter().map(|arrival| arrival.new.isbn.to_string()).collect();
    let mut there = HashMap::new();
    for some in isbns.chunks(movements::ROWS_AT_ONCE) {
        let rows = table::table
            .filter(table::isbn.eq_any(some))
            .select((
                table::isbn,
                table::id,
                table::title,
                table::author,
                table::price_minor,
                table::archived_at.is_not_null(),
            ))
            .load::<(String, i64, String, String, i32, bool)>(connection)?;
        there.extend(rows.into_iter().map(
            |(isbn, id, title, author, price_minor, is_archived)| {
                (isbn, Existing { id: BookId(id), title, author, price_minor, is_archived })
            },
        ));
    }
    Ok(there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Price, Title};

    #[test]
    fn a_file_differs_by_any_field_that_it_has_unless_the_book_is_archived() {
        let title = |title| Some(Title::parse(title).unwrap());
        let author = |author| Some(Author::parse(author).unwrap());
        let price = |price| Some(Price::parse(price).unwrap());
        let differs = |is_archived, title, author, price| {
            let there = Existing {
                id: BookId(7),
                title: "A title".to_owned(),
                author: "A. Writer".to_owned(),
                price_minor: 1_000,
                is_archived,
            };
            there.differs(&BookEdit { isbn: None, title, author, price })
        };
        assert!(!differs(false, None, None, None));
        assert!(!differs(false, title("A title"), author("A. Writer"), price(1_000)));
        assert!(differs(false, title("Another"), author("A. Writer"), price(1_000)));
        assert!(differs(false, title("A title"), author("Another"), price(1_000)));
        assert!(differs(false, title("A title"), author("A. Writer"), price(999)));
        assert!(!differs(true, title("Another"), author("Another"), price(999)));
    }
}

//! One row of a file: an arrival, or the reason why not.

use csv::ByteRecord;

use super::amounts::{self, BadAmount};
use super::columns::Columns;
use super::recovery::{self, Unrecoverable};
use super::{Options, on_one_line, source};
use crate::domain::{Author, BadText, BookEdit, Counted, Isbn, NewBook, Price, Title};
use crate::store::intake::Arrival;

/// Why a row stays out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("the row is not UTF-8")]
    NotUtf8,
    #[error(
        "the row has {found} fields and the header has {expected}; is a quotation mark or a comma amiss?"
    )]
    FieldCount { found: usize, expected: usize },
    #[error(transparent)]
    Isbn(#[from] Unrecoverable),
    #[error("line {line} has the same ISBN, {isbn}")]
    Duplicate { isbn: Isbn, line: u64 },
    #[error("the title {0}")]
    Title(BadText),
    #[error("the author {0}")]
    Author(BadText),
    #[error("the price {0:?} {1}")]
    Price(String, BadAmount),
    #[error("there is no price; --default-price gives one to all such rows")]
    NoPrice,
    #[error("the quantity {0:?} {1}")]
    Quantity(String, BadAmount),
}

/// Reads a row of `expected` fields.
///
/// # Errors
/// The first [`Flaw`] found.
pub(super) fn read(
    columns: &Columns,
    options: &Options,
    expected: usize,
    row: &ByteRecord,
) -> Result<Arrival, Flaw> {
    let fields = source::text_of(row).ok_or(Flaw::NotUtf8)?;
    if fields.len() != expected {
        return Err(Flaw::FieldCount { found: fields.len(), expected });
    }
    let field = |at: usize| fields.get(at).copied().unwrap_or_default().trim();
    let isbn = recovery::recover(columns.isbns.iter().map(|&(kind, at)| (kind, field(at))))?;
    let title = Some(field(columns.title))
        .filter(|title| !title.is_empty())
        .or(columns.original_title.map(field))
        .unwrap_or_default();
    let title = Title::parse(&on_one_line(title)).map_err(Flaw::Title)?;
    let author = Author::parse(&on_one_line(field(columns.author))).map_err(Flaw::Author)?;
    let said = price(columns, field)?;
    let price = said.or(options.default_price).ok_or(Flaw::NoPrice)?;
    let quantity = quantity(columns, field)?.unwrap_or(options.default_quantity);
    let edit = BookEdit {
        isbn: None,
        title: Some(title.clone()),
        author: Some(author.clone()),
        price: said,
    };
    Ok(Arrival { new: NewBook { isbn, title, author, price, quantity }, edit })
}

/// What the row says of the price, if anything.
fn price<'a>(columns: &Columns, field: impl Fn(usize) -> &'a str) -> Result<Option<Price>, Flaw> {
    let said =
        columns.price.map(|(unit, at)| (unit, field(at))).filter(|(_, text)| !text.is_empty());
    said.map(|(unit, text)| {
        amounts::price(unit, text).map_err(|error| Flaw::Price(text.to_owned(), error))
    })
    .transpose()
}

/// What the row says of the quantity, if anything.
fn quantity<'a>(
    columns: &Columns,
    field: impl Fn(usize) -> &'a str,
) -> Result<Option<Counted>, Flaw> {
    let said = columns.quantity.map(field).filter(|text| !text.is_empty());
    said.map(|text| amounts::quantity(text).map_err(|error| Flaw::Quantity(text.to_owned(), error)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [&str; 6] = ["isbn", "title", "original_title", "author", "price", "quantity"];

    fn options(default_price: Option<i64>) -> Options {
        Options {
            default_price: default_price.map(|price| Price::parse(price).unwrap()),
            default_quantity: Counted::parse(0).unwrap(),
            columns: Vec::new(),
            update_existing: false,
            rejects: None,
        }
    }

    fn read(fields: &[&str], default_price: Option<i64>) -> Result<Arrival, Flaw> {
        let columns = Columns::find(&HEADER, &[]).unwrap();
        super::read(
            &columns,
            &options(default_price),
            HEADER.len(),
            &ByteRecord::from(fields.to_vec()),
        )
    }

    #[test]
    fn a_title_that_is_empty_is_the_original_one_and_stands_on_one_line() {
        let arrival = read(&["439023483", " ", "Die\r\n Spiele ", "A\tB", "1", ""], None).unwrap();
        assert_eq!(arrival.new.title.as_str(), "Die Spiele");
        assert_eq!(arrival.new.author.as_str(), "A B");
        let arrival = read(&["439023483", "The Games", "Die Spiele", "A", "1", ""], None).unwrap();
        assert_eq!(arrival.new.title.as_str(), "The Games");
    }

    #[test]
    fn a_default_price_is_for_new_books_and_edits_none() {
        let row = ["439023483", "T", "", "A", "", ""];
        assert_eq!(read(&row, None).unwrap_err(), Flaw::NoPrice);
        let arrival = read(&row, Some(999)).unwrap();
        assert_eq!((arrival.new.price.get(), arrival.edit.price), (999, None));
        let arrival = read(&["439023483", "T", "", "A", "1.50", "3"], Some(999)).unwrap();
        assert_eq!((arrival.new.price.get(), arrival.edit.price), (150, Some(arrival.new.price)));
        assert_eq!(arrival.new.quantity.get(), 3);
    }

    #[test]
    fn each_flaw_is_named() {
        let rows: [(&[&str], &str); 7] = [
            (&["439023483", "T"], "2 fields and the header has 6"),
            (&["", "T", "", "A", "1", ""], "no ISBN"),
            (&["439023483", "", "", "A", "1", ""], "the title must not be empty"),
            (&["439023483", "T", "", "A\0", "1", ""], "the author must not contain control"),
            (&["439023483", "T", "", "A", "$1", ""], "\"$1\""),
            (&["439023483", "T", "", "A", "2000000", ""], "must be between 0 and 100000000"),
            (&["439023483", "T", "", "A", "1", "-1"], "\"-1\" is not a whole number"),
        ];
        for (row, words) in rows {
            let reason = read(row, None).unwrap_err().to_string();
            assert!(reason.contains(words), "{reason}");
        }
        let columns = Columns::find(&HEADER, &[]).unwrap();
        let latin = ByteRecord::from(vec![&b"439023483"[..], b"Caf\xe9", b"", b"A", b"1", b""]);
        assert_eq!(super::read(&columns, &options(None), 6, &latin).unwrap_err(), Flaw::NotUtf8);
    }
}

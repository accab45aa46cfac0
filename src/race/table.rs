//! The scratch table that a race is run on: one row, one book.

/// The book that everybody wants.
pub(crate) const BOOK: i32 = 1;

diesel::table! {
    race_books (id) {
        id -> Integer,
        title -> Text,
        quantity -> Integer,
        version -> Integer,
        held -> Integer,
    }
}

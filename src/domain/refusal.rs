//! Why a rule said no. Each refusal leaves everything as it was.

use super::{BookId, Isbn};

/// One line of an order that asks for more than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// The book.
    pub book_id: BookId,
    /// Copies the order asks for.
    pub requested: i32,
    /// Copies that could be sold.
    pub available: i32,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Some lines ask for more than there is; every such line is listed.
    #[error("not enough copies of {} of the books", .0.len())]
    OutOfStock(Vec<Shortage>),
    /// No such books, or they are archived.
    #[error("no such book")]
    UnknownBooks(Vec<BookId>),
    /// No such order, or it is another client's.
    #[error("no such order")]
    UnknownOrder,
    /// The stock changed since the admin looked.
    #[error("expected {expected} copies but there are {available}")]
    StaleQuantity {
        /// What the admin thought was there.
        expected: i32,
        /// What was there.
        available: i32,
    },
    /// The book was edited since the admin looked.
    #[error("the book is at version {current}")]
    StaleVersion {
        /// The version the book is at.
        current: i64,
    },
    /// A restock would take a book past the most copies a shelf can hold.
    #[error("book {book_id} would have {quantity} copies")]
    ShelfFull {
        /// The book.
        book_id: BookId,
        /// Copies it would have.
        quantity: i64,
    },
    /// The idempotency key was used for another request before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Another book has this ISBN.
    #[error("book {book_id} has the ISBN {isbn} already")]
    DuplicateIsbn {
        /// The ISBN.
        isbn: Isbn,
        /// The book that has it.
        book_id: BookId,
    },
}

//! Why a rule said no. Each refusal leaves everything as it was.

use super::{BookId, Isbn, OrderStatus, Wish};

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

/// One line of a return that brings back more than was sold and not yet returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// The book.
    pub book_id: BookId,
    /// Copies that the order sold.
    pub sold: i32,
    /// Copies of these that came back before.
    pub returned: i32,
    /// Copies that are to come back now.
    pub requested: i32,
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
    /// It is too late for that, or too early: the order is in another state.
    #[error(
        "the order is {status}{}: it cannot be {}",
        with_returns(*.has_returns), .wish.participle()
    )]
    OrderState {
        /// What was wished.
        wish: Wish,
        /// Where the order stands now.
        status: OrderStatus,
        /// Whether copies of it came back.
        has_returns: bool,
    },
    /// Only what was sold for good can come back.
    #[error("the order is {status}: nothing of it can be returned")]
    NotReturnable {
        /// Where the order stands now.
        status: OrderStatus,
    },
    /// Some lines bring back more than there is out; every such line is listed.
    #[error("more copies than the order sold would be back")]
    ReturnsExceedSale(Vec<Excess>),
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
    /// Copies that come would take a book past the most that a shelf can hold.
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

fn with_returns(has_returns: bool) -> &'static str {
    if has_returns { ", and copies of it were returned" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_it_is_about() {
        let state = |has_returns| Refusal::OrderState {
            wish: Wish::CancelByAdmin,
            status: OrderStatus::Placed,
            has_returns,
        };
        assert_eq!(state(false).to_string(), "the order is placed: it cannot be cancelled");
        assert_eq!(
            state(true).to_string(),
            "the order is placed, and copies of it were returned: it cannot be cancelled"
        );
        let full = Refusal::ShelfFull { book_id: BookId(7), quantity: 2_000_000_001 };
        assert_eq!(full.to_string(), "book 7 would have 2000000001 copies");
    }
}

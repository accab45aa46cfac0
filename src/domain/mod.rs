//! The rules of the shop: what a book, an order and a movement are, and what may happen to stock.
//!
//! Everything here is pure. No SQL, no HTTP, no clock and no randomness may come in: that is what
//! lets a property test hammer a rule, and lets one transaction decide many orders at once.

pub mod batch;
mod book;
mod client;
mod folding;
mod idempotency;
mod isbn;
mod life;
pub mod limits;
mod movement;
mod order;
mod quantity;
mod refusal;
mod search;
mod settle;
mod shelf;
mod text;

pub use book::{Book, BookEdit, BookId, NewBook};
pub use client::{Client, ClientId, Role};
pub use idempotency::{BadKey, IdempotencyKey, Request, RequestHash};
pub use isbn::{BadIsbn, Isbn};
pub use life::{Standing, Transition, Wish, transition};
pub use movement::{EntryId, Movement, NewEntry, Reason, RecordedMovement, StockEntry};
pub use order::{Hold, NewOrder, Order, OrderId, OrderLine, OrderStatus, OrderedLine, Placement};
pub use quantity::{Copies, Counted, Delivered, HoldSeconds, Price};
pub use refusal::{Excess, Refusal, Shortage};
pub use search::{BookWords, Search, SearchWords, Word};
pub use settle::{Act, Change, Settlement, Subject, Subjects, settle};
pub use shelf::{Sale, Shelf, Stock, first_stock, release, restock, sell, stocktake, take_back};
pub use text::{Author, BadText, ClientName, Reference, Title};

/// A number was outside what the field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between {min} and {max}")]
pub struct OutOfRange {
    /// The least that is allowed.
    pub min: i64,
    /// The most that is allowed.
    pub max: i64,
}

//! What goes out: the JSON shapes of DESIGN.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Shop;
use crate::domain::{
    Book, Hold, Order, OrderStatus, OrderedLine, Reason, RecordedMovement, StockEntry,
};

/// An amount of money.
#[derive(Debug, Serialize)]
pub(super) struct Money {
    /// In the currency's minor unit (cents).
    amount: i64,
    /// ISO 4217 code.
    currency: String,
}

impl Shop {
    fn money(&self, amount: impl Into<i64>) -> Money {
        Money { amount: amount.into(), currency: self.currency.as_str().to_owned() }
    }
}

/// One page of a list; `next` is the cursor of the page after it.
#[derive(Debug, Serialize)]
pub(super) struct PageView<T> {
    pub(super) data: Vec<T>,
    pub(super) next: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct BookView {
    id: i64,
    isbn: String,
    title: String,
    author: String,
    price: Money,
    quantity: i32,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl BookView {
    pub(super) fn new(shop: &Shop, book: Book) -> Self {
        Self {
            id: book.id.0,
            price: shop.money(book.price_minor),
            isbn: book.isbn,
            title: book.title,
            author: book.author,
            quantity: book.quantity,
            version: book.version,
            created_at: book.created_at,
            updated_at: book.updated_at,
        }
    }
}

#[derive(Debug, Serialize)]
struct LineView {
    book_id: i64,
    title: String,
    quantity: i32,
    unit_price: Money,
    total: Money,
    /// Copies that came back since; not there while there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<i32>,
}

#[derive(Debug, Serialize)]
pub(super) struct OrderView {
    id: Uuid,
    status: OrderStatus,
    expires_at: Option<DateTime<Utc>>,
    lines: Vec<LineView>,
    total: Money,
    created_at: DateTime<Utc>,
}

impl OrderView {
    pub(super) fn new(shop: &Shop, order: Order) -> Self {
        let line = |line: OrderedLine| LineView {
            book_id: line.book_id.0,
            quantity: line.copies,
            unit_price: shop.money(line.unit_price_minor),
            total: shop.money(line.total_minor()),
            returned: (line.returned > 0).then_some(line.returned),
            title: line.title,
        };
        Self {
            id: order.id.0,
            status: order.status,
            expires_at: order.expires_at,
            total: shop.money(order.total_minor),
            created_at: order.created_at,
            lines: order.lines.into_iter().map(line).collect(),
        }
    }
}

/// Copies of a book that an order holds.
#[derive(Debug, Serialize)]
pub(super) struct HoldView {
    order_id: Uuid,
    client_id: i64,
    quantity: i32,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self {
            order_id: hold.order_id.0,
            client_id: hold.client_id.0,
            quantity: hold.copies,
            expires_at: hold.expires_at,
            created_at: hold.created_at,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct MovementView {
    book_id: i64,
    /// `None` in the answer to a stocktake that agreed: nothing moved, the ledger has no line.
    seq: Option<i64>,
    delta: i32,
    quantity_after: i32,
    reason: Reason,
    order_id: Option<Uuid>,
    entry_id: Option<Uuid>,
    reference: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<RecordedMovement> for MovementView {
    fn from(recorded: RecordedMovement) -> Self {
        Self {
            book_id: recorded.movement.book_id.0,
            seq: Some(recorded.movement.seq),
            delta: recorded.movement.delta,
            quantity_after: recorded.movement.quantity_after,
            reason: recorded.movement.reason,
            order_id: recorded.order_id.map(|id| id.0),
            entry_id: recorded.entry_id.map(|id| id.0),
            reference: recorded.reference,
            created_at: recorded.created_at,
        }
    }
}

impl MovementView {
    /// The answer to a stocktake that found what was expected.
    pub(super) fn of_agreement(book_id: i64, counted: i32, entry: &StockEntry) -> Self {
        Self {
            book_id,
            seq: None,
            delta: 0,
            quantity_after: counted,
            reason: entry.reason,
            order_id: None,
            entry_id: Some(entry.id.0),
            reference: entry.reference.clone(),
            created_at: entry.created_at,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct EntryView {
    id: Uuid,
    reason: Reason,
    reference: Option<String>,
    /// The order whose copies came back; there for returns only.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    movements: Vec<MovementView>,
}

impl From<StockEntry> for EntryView {
    fn from(entry: StockEntry) -> Self {
        Self {
            id: entry.id.0,
            reason: entry.reason,
            reference: entry.reference,
            order_id: entry.order_id.map(|id| id.0),
            created_at: entry.created_at,
            movements: entry.movements.into_iter().map(MovementView::from).collect(),
        }
    }
}

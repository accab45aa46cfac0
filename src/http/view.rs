//! What goes out: the JSON shapes of DESIGN.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Shop;
use super::openapi::fields;
use crate::domain::{
    Book, Hold, Order, OrderStatus, OrderedLine, Reason, RecordedMovement, StockEntry,
};

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money, example = json!({ "amount": 1499, "currency": "EUR" }))]
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(super) struct PageView<T> {
    pub(super) data: Vec<T>,
    /// Send it back as `after` for the page that follows. Null: there is none.
    #[schema(required)]
    pub(super) next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Book, example = json!({
    "id": 2, "isbn": "9780743273565", "title": "The Great Gatsby", "author": "F. Scott Fitzgerald",
    "price": { "amount": 1499, "currency": "EUR" }, "quantity": 12, "version": 3,
    "created_at": "2026-11-23T09:00:00Z", "updated_at": "2026-11-24T18:30:00Z"
}))]
pub(super) struct BookView {
    id: i64,
    #[schema(schema_with = fields::isbn_13)]
    isbn: String,
    title: String,
    author: String,
    price: Money,
    #[schema(schema_with = fields::quantity)]
    quantity: i32,
    /// Counts the edits of the catalogue.
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

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineView {
    book_id: i64,
    /// Its title now.
    title: String,
    quantity: i32,
    /// Of one copy, when it was sold.
    unit_price: Money,
    total: Money,
    /// Copies that came back since; not there while there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<i32>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order, example = json!({
    "id": "019a62f4-35c8-7b4c-9d6e-0f8a4a2f9c11", "status": "held",
    "expires_at": "2026-11-24T18:45:00Z",
    "lines": [{
        "book_id": 2, "title": "The Great Gatsby", "quantity": 2,
        "unit_price": { "amount": 1499, "currency": "EUR" },
        "total": { "amount": 2998, "currency": "EUR" }, "returned": 0
    }],
    "total": { "amount": 2998, "currency": "EUR" }, "created_at": "2026-11-24T18:30:00Z"
}))]
pub(super) struct OrderView {
    id: Uuid,
    #[schema(schema_with = fields::status)]
    status: OrderStatus,
    /// When its hold runs out, or ran out. Null: it has none any more.
    #[schema(required)]
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold, example = json!({
    "order_id": "019a62f4-35c8-7b4c-9d6e-0f8a4a2f9c11", "client_id": 7, "quantity": 2,
    "expires_at": "2026-11-24T18:45:00Z", "created_at": "2026-11-24T18:30:00Z"
}))]
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

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Movement, example = json!({
    "book_id": 2, "seq": 17, "delta": 30, "quantity_after": 42, "reason": "restock",
    "order_id": null, "entry_id": "019a62f4-35c8-7b4c-9d6e-5a5b5c5d5e5f",
    "reference": "delivery 4711", "created_at": "2026-11-24T18:30:00Z"
}))]
pub(super) struct MovementView {
    book_id: i64,
    /// Its number in the book's ledger: 1, 2, 3 ... without a gap. Null in the answer to a stocktake
    /// that agreed: nothing moved, the ledger has no line.
    #[schema(required)]
    seq: Option<i64>,
    /// Copies that came, or that left if negative.
    delta: i32,
    quantity_after: i32,
    #[schema(schema_with = fields::reason)]
    reason: Reason,
    /// Of a sale or a release: the order.
    #[schema(required)]
    order_id: Option<Uuid>,
    /// Of all others: the stock entry.
    #[schema(required)]
    entry_id: Option<Uuid>,
    #[schema(required)]
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

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockEntry, example = json!({
    "id": "019a62f4-35c8-7b4c-9d6e-5a5b5c5d5e5f", "reason": "restock",
    "reference": "delivery 4711", "created_at": "2026-11-24T18:30:00Z",
    "movements": [{
        "book_id": 2, "seq": 17, "delta": 30, "quantity_after": 42, "reason": "restock",
        "order_id": null, "entry_id": "019a62f4-35c8-7b4c-9d6e-5a5b5c5d5e5f",
        "reference": "delivery 4711", "created_at": "2026-11-24T18:30:00Z"
    }]
}))]
pub(super) struct EntryView {
    id: Uuid,
    #[schema(schema_with = fields::reason)]
    reason: Reason,
    #[schema(required)]
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

//! Orders: what a client asks for, and what became of it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::limits::MAX_LINES;
use super::{BookId, ClientId, Copies, HoldSeconds, OutOfRange, Request};

/// Identity of an order: a UUIDv7 made by the service before the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OrderId(pub Uuid);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// The copies are off the shelf while the buyer pays.
    Held,
    /// Sold.
    Placed,
    /// Given up; the copies are back.
    Cancelled,
    /// Nobody confirmed in time; the copies are back.
    Expired,
}

impl OrderStatus {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Held, Self::Placed, Self::Cancelled, Self::Expired];

    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Placed => "placed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The status that `word` names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the copies of such an order are back on the shelf.
    pub fn is_given_up(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Copies of one book in an order. After [`NewOrder::new`] summed them, one line may hold more
/// copies than a client may ask for in one: up to 100 lines of 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLine {
    /// The book.
    pub book_id: BookId,
    /// How many copies, at least 1.
    pub copies: i32,
}

/// What a client asks for: 1..=100 lines, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// Identity, made before the transaction so that a retry can look for it.
    pub id: OrderId,
    /// Who asks, and what.
    pub request: Request,
    /// How long the copies are kept until the buyer has paid. Without it they are sold at once.
    pub hold: Option<HoldSeconds>,
    lines: Vec<OrderLine>,
}

impl NewOrder {
    /// Makes an order of `lines`; two lines of one book become one.
    ///
    /// # Errors
    /// [`OutOfRange`] unless there are 1..=100 lines.
    pub fn new(
        id: OrderId,
        request: Request,
        lines: impl IntoIterator<Item = (BookId, Copies)>,
    ) -> Result<Self, OutOfRange> {
        let mut count = 0;
        let mut copies_of = BTreeMap::<BookId, i32>::new();
        for (book_id, copies) in lines {
            count += 1;
            if count > MAX_LINES {
                break;
            }
            *copies_of.entry(book_id).or_default() += copies.get();
        }
        if !(1..=MAX_LINES).contains(&count) {
            return Err(OutOfRange { min: 1, max: MAX_LINES as i64 });
        }
        let lines =
            copies_of.into_iter().map(|(book_id, copies)| OrderLine { book_id, copies }).collect();
        Ok(Self { id, request, hold: None, lines })
    }

    /// The same order, with its copies kept for so long until the buyer has paid.
    pub fn with_hold(self, hold: Option<HoldSeconds>) -> Self {
        Self { hold, ..self }
    }

    /// The status that it gets.
    pub fn status(&self) -> OrderStatus {
        if self.hold.is_some() { OrderStatus::Held } else { OrderStatus::Placed }
    }

    /// When its hold runs out if it is written at `now`.
    pub fn expires_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.hold.map(|hold| now + TimeDelta::seconds(hold.get().into()))
    }

    /// One line a book, in book id order.
    pub fn lines(&self) -> &[OrderLine] {
        &self.lines
    }
}

/// One line of an order that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedLine {
    /// The book.
    pub book_id: BookId,
    /// Its title now.
    pub title: String,
    /// Copies that were sold.
    pub copies: i32,
    /// Price of one copy when it was sold, in the minor unit.
    pub unit_price_minor: i32,
    /// Copies that the buyer brought back since.
    pub returned: i32,
}

impl OrderedLine {
    /// Price of the line in the minor unit: at most a million copies of a million, far from
    /// overflow.
    pub fn total_minor(&self) -> i64 {
        i64::from(self.copies) * i64::from(self.unit_price_minor)
    }
}

/// An order as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Identity.
    pub id: OrderId,
    /// Whose it is.
    pub client_id: ClientId,
    /// Where it stands.
    pub status: OrderStatus,
    /// When its hold runs out, or ran out; `None` for an order without a hold, or that was
    /// confirmed or cancelled.
    pub expires_at: Option<DateTime<Utc>>,
    /// One line a book, in book id order.
    pub lines: Vec<OrderedLine>,
    /// Sum over the lines, in the minor unit.
    pub total_minor: i64,
    /// When it was written, by the database's clock.
    pub created_at: DateTime<Utc>,
}

/// The good end of a request for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The order.
    pub order: Order,
    /// Whether an earlier request with the same key had placed it already.
    pub is_replay: bool,
}

/// Copies of one book that an order holds while its buyer pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The order.
    pub order_id: OrderId,
    /// Whose it is.
    pub client_id: ClientId,
    /// Copies that are off the shelf.
    pub copies: i32,
    /// When they come back unless it is confirmed, by the database's clock.
    pub expires_at: DateTime<Utc>,
    /// Since when it holds them, by the database's clock.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Client, RequestHash, Role};

    #[test]
    fn a_status_is_found_by_its_word_and_by_no_other() {
        for status in OrderStatus::ALL {
            assert_eq!(OrderStatus::from_word(status.as_str()), Some(status));
        }
        assert_eq!(OrderStatus::from_word("sold"), None);
    }

    #[test]
    fn a_hold_ends_so_many_seconds_after_it_was_written() {
        let client = Client { id: ClientId(1), role: Role::Storefront };
        let request = Request { client, key: None, hash: RequestHash::of(&[]) };
        let line = (BookId(1), Copies::parse(1).unwrap());
        let order = NewOrder::new(OrderId(Uuid::nil()), request, [line]).unwrap();
        let now = DateTime::UNIX_EPOCH;
        assert_eq!((order.status(), order.expires_at(now)), (OrderStatus::Placed, None));
        let held = order.with_hold(Some(HoldSeconds::parse(90).unwrap()));
        let end = now + TimeDelta::seconds(90);
        assert_eq!((held.status(), held.expires_at(now)), (OrderStatus::Held, Some(end)));
    }

    #[test]
    fn a_line_costs_its_copies_at_their_price() {
        let line = OrderedLine {
            book_id: BookId(1),
            title: String::new(),
            copies: 1_000_000,
            unit_price_minor: 100_000_000,
            returned: 1,
        };
        assert_eq!(line.total_minor(), 100_000_000_000_000);
    }

    #[test]
    fn an_order_is_called_by_its_uuid() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(OrderId(id.parse().unwrap()).to_string(), id);
    }
}

//! Stock movements, the ledger of every change of a quantity, and the stock entries behind them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{BookId, OrderId, Reference, Request};

/// Why a quantity changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The copies a book entered the catalogue with.
    Initial,
    /// Copies left with an order.
    Sale,
    /// Copies of an order came back because it was cancelled or expired.
    Release,
    /// Copies arrived.
    Restock,
    /// An admin counted something else than the books said.
    Stocktake,
    /// A buyer brought copies back.
    Return,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Initial, Self::Sale, Self::Release, Self::Restock, Self::Stocktake, Self::Return];

    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Sale => "sale",
            Self::Release => "release",
            Self::Restock => "restock",
            Self::Stocktake => "stocktake",
            Self::Return => "return",
        }
    }

    /// The reason that `word` names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Identity of a stock entry: a UUIDv7 made by the service before the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EntryId(pub Uuid);

/// One signed change of one book's quantity, as a rule decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// The book.
    pub book_id: BookId,
    /// Its number in the book's own ledger: 1, 2, 3 ... without a gap.
    pub seq: i64,
    /// Copies that came (positive) or left (negative); never 0.
    pub delta: i32,
    /// Copies on the shelf after it.
    pub quantity_after: i32,
    /// Why.
    pub reason: Reason,
    /// Price of one copy when it was sold, in the minor unit; sales only.
    pub unit_price_minor: Option<i32>,
}

/// A movement as it was read from the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedMovement {
    /// What moved.
    pub movement: Movement,
    /// The order it belongs to: sales and releases.
    pub order_id: Option<OrderId>,
    /// The stock entry it belongs to: all others.
    pub entry_id: Option<EntryId>,
    /// What the admin wrote beside the entry.
    pub reference: Option<String>,
    /// When it was written, by the database's clock.
    pub created_at: DateTime<Utc>,
}

/// One act of an admin on the stock, about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Identity, made before the transaction so that a retry can look for it.
    pub id: EntryId,
    /// Who asks, and what.
    pub request: Request,
    /// What the admin wrote beside it.
    pub reference: Option<Reference>,
}

/// One act of an admin on the stock, with its movements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockEntry {
    /// Identity.
    pub id: EntryId,
    /// Why the copies moved.
    pub reason: Reason,
    /// What the admin wrote beside it.
    pub reference: Option<String>,
    /// The order whose copies came back; returns only.
    pub order_id: Option<OrderId>,
    /// When it was written, by the database's clock.
    pub created_at: DateTime<Utc>,
    /// What moved, in book id order; empty when a stocktake agreed.
    pub movements: Vec<RecordedMovement>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_by_its_word_and_by_no_other() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_word(&reason.to_string()), Some(reason));
        }
        assert_eq!(Reason::from_word("theft"), None);
    }
}

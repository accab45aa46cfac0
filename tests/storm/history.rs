//! What was asked and answered, as the clients saw it, and what the database holds in the end.
//!
//! Times are microseconds since the storm began, by one clock.

use std::collections::BTreeMap;

/// A moment.
pub type Micros = u64;

/// Copies by book, in the order of book ids.
pub type Lines = BTreeMap<i64, i64>;

/// Everything that one storm did to one database.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub operations: Vec<Operation>,
    pub reads: Vec<Read>,
    /// Answers that nobody should get, whatever goes wrong.
    pub surprises: Vec<String>,
}

/// One thing that somebody wanted, sent again under the same key until there was an answer.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Whose token it was.
    pub client: i64,
    /// The idempotency key; its own in the whole storm. Empty for a wish, which needs none, and for an
    /// order that is sent only once.
    pub key: String,
    pub ask: Ask,
    pub attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Order { lines: Lines, hold_seconds: Option<i64> },
    Restock { lines: Lines },
    Stocktake { book: i64, counted: i64 },
    Return { order: String, lines: Lines },
    Confirm { order: String },
    Cancel { order: String, by_admin: bool },
}

impl Ask {
    pub fn is_order(&self) -> bool {
        matches!(self, Self::Order { .. })
    }

    /// Whether it makes an order or a stock entry, rather than ending one.
    pub fn makes_something(&self) -> bool {
        !matches!(self, Self::Confirm { .. } | Self::Cancel { .. })
    }
}

/// One sending.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub sent: Micros,
    /// When the answer, or the end of the connection, came.
    pub ended: Micros,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, as this order or stock entry. `lines` as the answer has them: copies that were asked for, or what
    /// was counted. A wish has none.
    Granted { id: String, is_replay: bool, lines: Lines },
    /// A rule said no: this problem.
    Refused { slug: String },
    /// Its turn did not come: nothing was done, says the service, and nothing will be.
    Dropped,
    /// No answer, or one that leaves it open.
    Unknown,
}

/// A look at a book's quantity.
#[derive(Debug, Clone)]
pub struct Read {
    pub book: i64,
    pub sent: Micros,
    pub ended: Micros,
    /// None if there was no answer, or one that does not tell.
    pub quantity: Option<i64>,
}

impl Operation {
    /// When it can have happened at the earliest.
    pub fn first_sent(&self) -> Option<Micros> {
        self.attempts.first().map(|attempt| attempt.sent)
    }

    /// An order without a key: sent once, and never asked for again.
    pub fn is_walk_in(&self) -> bool {
        self.key.is_empty() && self.ask.is_order()
    }

    /// When somebody was told first that it had happened, and as what.
    pub fn granted(&self) -> Option<(Micros, &str)> {
        self.attempts.iter().find_map(|attempt| match &attempt.outcome {
            Outcome::Granted { id, .. } => Some((attempt.ended, id.as_str())),
            _ => None,
        })
    }

    /// Whether the last word was a refusal.
    pub fn is_refused(&self) -> bool {
        let last = self.attempts.last();
        last.is_some_and(|attempt| matches!(attempt.outcome, Outcome::Refused { .. }))
    }

    /// Whether there was a last word, as far as somebody asked for it.
    pub fn is_settled(&self) -> bool {
        self.granted().is_some() || self.is_refused() || self.is_walk_in()
    }

    /// Whether it is worth asking once more when nothing goes wrong: it was never answered, or was
    /// refused after a sending whose outcome nobody knows.
    pub fn is_open(&self) -> bool {
        let is_answered = self.is_refused() && !self.is_in_doubt();
        self.granted().is_none() && !is_answered && !self.is_walk_in()
    }

    /// Whether it was sent again though it had been granted.
    pub fn is_repeated(&self) -> bool {
        let granted = |one: &Attempt| matches!(one.outcome, Outcome::Granted { .. });
        let first = self.attempts.iter().position(granted);
        first.is_some_and(|first| first + 1 < self.attempts.len())
    }

    /// Whether nobody knows what became of one of its sendings.
    pub fn is_in_doubt(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Unknown)
    }
}

/// What the database holds.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub orders: Vec<Order>,
    pub entries: Vec<Entry>,
    /// Of each book in the order of `seq`.
    pub movements: BTreeMap<i64, Vec<Movement>>,
    /// Copies of each book.
    pub quantities: BTreeMap<i64, i64>,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub id: String,
    pub client: i64,
    pub key: String,
    pub status: String,
    /// A hold that ran out long ago.
    pub is_overdue: bool,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: String,
    pub client: i64,
    pub key: String,
    /// Which one copies came back of.
    pub order: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Movement {
    pub seq: i64,
    pub delta: i64,
    pub quantity_after: i64,
    pub reason: String,
    /// The order, or the stock entry, that it belongs to.
    pub cause: String,
}

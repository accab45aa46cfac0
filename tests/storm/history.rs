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
    /// The idempotency key; its own in the whole storm. Empty for a wish, which needs none.
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
    Cancel { order: String },
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
    /// Done, as this order or stock entry.
    Granted { id: String },
    /// A rule said no: this problem.
    Refused { slug: String },
    /// No answer, or one that leaves it open.
    Unknown,
}

/// A look at a book's quantity.
#[derive(Debug, Clone)]
pub struct Read {
    pub book: i64,
    pub sent: Micros,
    pub ended: Micros,
    pub quantity: i64,
}

impl Operation {
    /// When it can have happened at the earliest.
    pub fn first_sent(&self) -> Option<Micros> {
        self.attempts.first().map(|attempt| attempt.sent)
    }

    /// When somebody was told first that it had happened, and as what.
    pub fn granted(&self) -> Option<(Micros, &str)> {
        self.attempts.iter().find_map(|attempt| match &attempt.outcome {
            Outcome::Granted { id } => Some((attempt.ended, id.as_str())),
            _ => None,
        })
    }

    /// Whether the last word was a refusal.
    pub fn is_refused(&self) -> bool {
        let last = self.attempts.last();
        last.is_some_and(|attempt| matches!(attempt.outcome, Outcome::Refused { .. }))
    }

    /// Whether there was a last word.
    pub fn is_settled(&self) -> bool {
        self.granted().is_some() || self.is_refused()
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
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: String,
    pub client: i64,
    pub key: String,
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

impl Facts {
    /// What an order or an entry moved for one reason, by book.
    pub fn moved(&self, cause: &str, reason: &str) -> Lines {
        let of_book = |(book, movements): (&i64, &Vec<Movement>)| {
            let of_cause = |one: &&Movement| one.cause == cause && one.reason == reason;
            let delta: i64 = movements.iter().filter(of_cause).map(|one| one.delta).sum();
            (delta != 0).then_some((*book, delta))
        };
        self.movements.iter().filter_map(of_book).collect()
    }
}

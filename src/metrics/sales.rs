//! What was sold, held, given back and refused.

use super::{Book, IntCounter, IntCounterVec, IntGauge};

/// What happened to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEvent {
    /// Its copies went off the shelf.
    Made,
    /// It became a sale.
    Confirmed,
    /// It was given up.
    Cancelled,
    /// Its time ran out, and its copies went back.
    Expired,
}

impl HoldEvent {
    const ALL: [Self; 4] = [Self::Made, Self::Confirmed, Self::Cancelled, Self::Expired];

    fn word(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// Why an order was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There were not enough copies.
    OutOfStock,
    /// There is no such book.
    UnknownBook,
    /// Its idempotency key stands for another request.
    KeyReused,
    /// Another rule said no.
    Other,
}

impl Refused {
    const ALL: [Self; 4] = [Self::OutOfStock, Self::UnknownBook, Self::KeyReused, Self::Other];

    fn word(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::UnknownBook => "unknown_book",
            Self::KeyReused => "idempotency_key_reused",
            Self::Other => "other",
        }
    }
}

/// Orders and what became of them.
pub struct Sales {
    placed: IntCounter,
    copies: IntCounter,
    cancelled: IntCounter,
    holds: [IntCounter; HoldEvent::ALL.len()],
    refused: [IntCounter; Refused::ALL.len()],
}

impl Sales {
    pub(super) fn new(book: &Book) -> Self {
        let holds = book.counters(
            "holds_total",
            "Holds that were made, and that were confirmed, cancelled or expired.",
            &["event"],
        );
        let refused = book.counters(
            "orders_refused_total",
            "Orders that a rule refused, by reason.",
            &["reason"],
        );
        Self {
            placed: book.counter("orders_placed_total", "Orders that were placed without a hold."),
            copies: book.counter(
                "copies_sold_total",
                "Copies in orders that were placed without a hold, and in holds that were confirmed.",
            ),
            cancelled: book
                .counter("orders_cancelled_total", "Placed orders that an admin cancelled."),
            holds: HoldEvent::ALL.map(|event| of(&holds, event.word())),
            refused: Refused::ALL.map(|why| of(&refused, why.word())),
        }
    }

    /// So many orders without a hold were placed, of so many copies in all.
    pub fn placed(&self, orders: u64, copies: u64) {
        self.placed.inc_by(orders);
        self.copies.inc_by(copies);
    }

    /// So many copies of a hold are sold.
    pub fn confirmed(&self, copies: u64) {
        self.hold(HoldEvent::Confirmed, 1);
        self.copies.inc_by(copies);
    }

    /// A placed order was cancelled.
    pub fn cancelled(&self) {
        self.cancelled.inc();
    }

    /// This happened to so many holds.
    pub fn hold(&self, event: HoldEvent, count: u64) {
        self.holds[event as usize].inc_by(count);
    }

    /// An order was refused.
    pub fn refused(&self, why: Refused) {
        self.refused[why as usize].inc();
    }
}

/// What the sweeper does.
pub struct Sweeps {
    overdue: IntGauge,
    done: IntCounter,
    failed: IntCounter,
}

impl Sweeps {
    pub(super) fn new(book: &Book) -> Self {
        let sweeps = book.counters(
            "sweeps_total",
            "Looks for holds that ran out: done, or failed.",
            &["outcome"],
        );
        Self {
            overdue: book.gauge(
                "holds_overdue",
                "Holds that had run out and were not taken back at the end of the last look.",
            ),
            done: of(&sweeps, "done"),
            failed: of(&sweeps, "failed"),
        }
    }

    /// A sweep came to its end and left so many holds.
    pub fn done(&self, overdue: u64) {
        self.done.inc();
        self.overdue.set(overdue as i64);
    }

    /// A sweep failed.
    pub fn failed(&self) {
        self.failed.inc();
    }
}

fn of(family: &IntCounterVec, word: &str) -> IntCounter {
    family.with_label_values(&[word])
}

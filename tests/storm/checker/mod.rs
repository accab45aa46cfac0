//! Holds a history against the database: what may not be, whatever happened in between.
//!
//! Nothing here asks the service, and nothing trusts `bookstore audit`.

mod ends;
mod ledger;
mod operations;
mod there;

use std::fmt;

use super::history::{Facts, History, Micros};
use there::There;

/// Something that may not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// It was acknowledged, and is not there.
    Lost { id: String, key: String },
    /// It is there, and is not what was asked for.
    Altered { id: String, what: &'static str },
    /// Two answers to one request name two things.
    TwoAnswers { key: String, one: String, other: String },
    /// It is granted again, and not said to have been there before.
    NoReplay { key: String },
    /// The answer that grants it tells of other lines than were asked for.
    ToldOtherwise { id: String },
    /// It is there twice.
    Doubled { key: String },
    /// It is there, and nobody asked for it.
    Phantom { id: String },
    /// The last word was no, and it is there.
    RefusedAndDone { id: String, key: String },
    /// The service said that it had not been done and would not be, and it is there.
    DroppedAndDone { id: String, key: String },
    /// It ended otherwise than the client was told.
    WrongEnd { order: String, told: &'static str, status: String },
    /// It ended as nobody wanted it to.
    Unwanted { order: String, status: String },
    /// A hold that ran out long ago, and has its copies still.
    Overdue { order: String },
    /// What it took did not come back once when it ended, or did though it has not.
    WrongRelease { order: String },
    /// More came back than was sold.
    WrongReturn { order: String },
    /// The ledger of a book does not add up.
    Ledger { book: i64, seq: i64, what: &'static str },
    /// A movement comes before one that had been acknowledged when it was sent.
    AgainstTime { book: i64, earlier_seq: i64, later_seq: i64 },
    /// Somebody read a quantity that the ledger did not have at that time.
    StaleRead { book: i64, quantity: i64, sent: Micros },
    /// Nobody can find out what became of it: it is never answered, whatever the retries.
    Unsettled { key: String },
    /// A client waited for longer than it may.
    NoAnswer { key: String, waited: Micros },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Everything in `history` and `facts` that may not be. `patience`: how long a client may wait.
pub fn check(history: &History, facts: &Facts, patience: Micros) -> Vec<Violation> {
    let there = There::new(facts);
    let mut violations = operations::check(history, facts, &there);
    violations.extend(ends::check(history, facts, &there));
    violations.extend(operations::unsettled(history));
    violations.extend(operations::unanswered(history, patience));
    violations.extend(ledger::adds_up(facts));
    violations.extend(ledger::agrees_with_time(history, facts));
    violations.sort();
    violations.dedup();
    violations
}

//! A history that is too long to be kept, as counts.

use crate::history::{History, Micros, Operation, Outcome};
use crate::kit::Database;
use crate::watch::Watch;

/// When somebody got an answer, of any kind, and after how long.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub at: Micros,
    pub took: u32,
    /// No fault reached into it.
    pub is_calm: bool,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub answers: Vec<Answered>,
    /// Acknowledged.
    orders: u64,
    entries: u64,
    /// Orders without a key that were not answered: each is there or not.
    unknown: u64,
    /// To be asked for again when nothing goes wrong.
    pub open: Vec<Operation>,
    pub surprises: Vec<String>,
}

impl Tally {
    /// Counts what has just been done, and forgets it.
    pub fn take(&mut self, history: &mut History, watch: &Watch) {
        for operation in history.operations.drain(..) {
            for attempt in &operation.attempts {
                if attempt.outcome != Outcome::Unknown {
                    self.note(attempt.sent, attempt.ended, watch);
                }
            }
            match operation.is_open() {
                true => self.open.push(operation),
                false => self.count(&operation),
            }
        }
        for read in history.reads.drain(..).filter(|read| read.quantity.is_some()) {
            self.note(read.sent, read.ended, watch);
        }
        self.surprises.append(&mut history.surprises);
    }

    /// Counts what was open and has been asked for again.
    pub fn settle(&mut self, history: History) {
        let (settled, open): (Vec<_>, _) =
            history.operations.into_iter().partition(Operation::is_settled);
        settled.iter().for_each(|operation| self.count(operation));
        self.open.extend(open);
        self.surprises.extend(history.surprises);
    }

    /// Both together.
    pub fn and(mut self, other: Self) -> Self {
        self.answers.extend(other.answers);
        self.orders += other.orders;
        self.entries += other.entries;
        self.unknown += other.unknown;
        self.open.extend(other.open);
        self.surprises.extend(other.surprises);
        self
    }

    /// What the database does not hold as it was answered, in words.
    pub fn discrepancies(&self, database: &Database) -> Vec<String> {
        let mut connection = database.connect();
        let mut rows =
            |table: &str| connection.number(&format!("SELECT count(*) FROM {table}")) as u64;
        let (orders, entries) = (rows("orders"), rows("stock_entries"));
        let mut found = Vec::new();
        if !(self.orders..=self.orders + self.unknown).contains(&orders) {
            let Self { orders: told, unknown, .. } = self;
            found.push(format!(
                "{told} to {} orders were told of, {orders} are there",
                told + unknown
            ));
        }
        if entries != self.entries {
            found.push(format!("{} entries were told of, {entries} are there", self.entries));
        }
        let open = self.open.iter();
        found.extend(open.map(|operation| format!("nobody finds out about {:?}", operation.key)));
        found
    }

    fn note(&mut self, sent: Micros, ended: Micros, watch: &Watch) {
        let took = u32::try_from(ended - sent).unwrap_or(u32::MAX);
        self.answers.push(Answered { at: ended, took, is_calm: watch.was_calm_since(sent) });
    }

    fn count(&mut self, operation: &Operation) {
        let made = match operation.ask.is_order() {
            true => &mut self.orders,
            false => &mut self.entries,
        };
        if operation.granted().is_some() && operation.ask.makes_something() {
            *made += 1;
        } else if operation.is_walk_in() && operation.is_in_doubt() {
            self.unknown += 1;
        }
    }
}

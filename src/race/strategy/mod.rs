//! Ways to sell a copy, one small file each, as an application would write them in plain Diesel.
//!
//! They are other people's applications, not ours: the sale is the first function of each file, and
//! this is the one place outside `store::transaction` that begins transactions. Each is for one book
//! and one copy, so that there is nothing in it but what the article is about.

mod advisory_lock;
mod again;
mod atomic_update;
mod autocommit;
mod check_then_pay;
mod f_expression;
mod hold;
mod immediate;
mod naive;
mod nowait;
mod optimistic;
mod select_for_update;
mod serializable;
mod skip_locked;
mod till;

use diesel::prelude::*;

pub(super) use advisory_lock::MYSQL_LOCK;
pub(super) use till::{Purchase, Purchases};

use super::conflict::Conflict;
use super::level::Level;
use super::server::Server;
use super::table::{BOOK, race_books};
use crate::store::AnyConnection;

/// What a buyer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Here is your copy.
    Sold,
    /// There is none left.
    SoldOut,
    /// Not now: the row is locked. Copies may be there.
    TurnedAway,
    /// It was tried again and again, and the time is up.
    GaveUp,
}

/// Whoever buys, and sees from outside what a strategy does between its statements.
pub(super) trait Buyer {
    /// Between reading and writing: the application knows `quantity` and has written nothing yet.
    /// Here a buyer takes their time, and a replay stops.
    fn thinks(&mut self, quantity: i32);

    /// The buyer pays, which takes minutes in a shop. The application is in no transaction.
    fn pays(&mut self);

    /// An attempt came to nothing and the application wants to try again. `false`: time is up.
    fn tries_again(&mut self, why: Conflict) -> bool;
}

/// How a strategy sells.
#[derive(Clone, Copy)]
pub(super) enum Sale {
    /// Each buyer on a connection of their own.
    OnConnection(fn(&mut AnyConnection, &mut dyn Buyer) -> QueryResult<Answer>),
    /// All buyers at one till.
    AtTheTill,
}

/// What must hold of a strategy on a backend, under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Updates are lost.
    Loses,
    /// Nothing is lost, but buyers get an error from the database where two meet.
    Fails,
    /// Nothing is lost, but nothing stops it at zero.
    Oversells,
    /// Nothing is lost and nothing oversold, but buyers are sent away although copies are there.
    TurnsAway,
    /// Every copy is sold exactly once.
    Exact,
}

/// One way to sell a copy.
pub struct Strategy {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    pub(super) sale: Sale,
    promise: fn(&Server) -> Promise,
    lacks: fn(&Server) -> Option<&'static str>,
    /// The isolation level that it asks for itself, where there are levels.
    pub(super) level: Option<Level>,
    pub(super) restock: fn(&mut AnyConnection, i32) -> QueryResult<()>,
}

/// All of them, in the order of the story.
pub const ALL: [&Strategy; 14] = [
    &naive::STRATEGY,
    &autocommit::STRATEGY,
    &f_expression::STRATEGY,
    &atomic_update::STRATEGY,
    &select_for_update::STRATEGY,
    &immediate::STRATEGY,
    &optimistic::STRATEGY,
    &serializable::STRATEGY,
    &skip_locked::STRATEGY,
    &nowait::STRATEGY,
    &advisory_lock::STRATEGY,
    &check_then_pay::STRATEGY,
    &hold::STRATEGY,
    &till::STRATEGY,
];

impl std::fmt::Debug for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Strategy {
    /// The strategy of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|strategy| strategy.name == name)
    }

    /// Where a strategy of a file begins: it is there on every backend, sells every copy once, and
    /// is restocked by an atomic update.
    const fn new(name: &'static str, summary: &'static str, sale: Sale) -> Self {
        let (promise, lacks) = (exact as fn(&Server) -> Promise, has_all as fn(&Server) -> _);
        Self { name, summary, sale, promise, lacks, level: None, restock }
    }

    /// What must hold of it on `server`.
    pub fn promise(&self, server: &Server) -> Promise {
        (self.promise)(server)
    }

    /// Why it cannot be had on `server`, in a sentence; `None` if it can.
    pub fn lacks(&self, server: &Server) -> Option<&'static str> {
        (self.lacks)(server)
    }
}

fn exact(_: &Server) -> Promise {
    Promise::Exact
}

fn has_all(_: &Server) -> Option<&'static str> {
    None
}

/// Copies come in. Done right whatever the buyers do: one statement, and the version says that the
/// row changed.
fn restock(connection: &mut AnyConnection, copies: i32) -> QueryResult<()> {
    diesel::update(race_books::table.find(BOOK))
        .set((
            race_books::quantity.eq(race_books::quantity + copies),
            race_books::version.eq(race_books::version + 1),
        ))
        .execute(connection)?;
    Ok(())
}

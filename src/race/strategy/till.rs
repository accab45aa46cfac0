//! Ours: whoever waits at the same time shares one transaction. The bookstore sells this way.

use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::{Answer, Sale, Strategy, select_for_update};
use crate::domain::Refusal;
use crate::metrics::{Desk, Metrics};
use crate::race::level::Level;
use crate::race::table::{BOOK, race_books};
use crate::store::{self, AnyConnection, Store};
use crate::till::Trade;

/// One lock, one write and one commit for all of `purchases`, decided in memory in the order in which
/// they came. Each buyer is answered after that commit.
pub(in crate::race) fn sell(
    connection: &mut AnyConnection,
    purchases: &[Purchase],
) -> QueryResult<Vec<Answer>> {
    let mut quantity = select_for_update::lock(connection)?;
    std::thread::sleep(purchases.iter().map(|purchase| purchase.think).max().unwrap_or_default());
    let mut take_one = |_| match quantity {
        ..1 => Answer::SoldOut,
        _ => {
            quantity -= 1;
            Answer::Sold
        }
    };
    let answers: Vec<_> = purchases.iter().map(&mut take_one).collect();
    if answers.contains(&Answer::Sold) {
        diesel::update(race_books::table.find(BOOK))
            .set(race_books::quantity.eq(quantity))
            .execute(connection)?;
    }
    Ok(answers)
}

/// One buyer wants one copy.
pub(in crate::race) struct Purchase {
    /// How long the application takes between reading and writing; once for all who are served
    /// together.
    pub(in crate::race) think: Duration,
}

/// What people stand in line for.
///
/// Unlike an order of the bookstore a purchase has no id to be found by: should the connection be
/// lost in the middle of a commit, it is done twice. A race is run on a database that stays.
pub(in crate::race) struct Purchases;

impl Trade for Purchases {
    type Ask = Purchase;
    type Answer = Answer;

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.sales_desk
    }

    fn serve(
        store: &Store,
        deadline: Instant,
        asks: &[Purchase],
    ) -> Result<Vec<Result<Answer, Refusal>>, store::Error> {
        let answers =
            store.transaction_until(deadline, |connection| Ok(sell(connection, asks)?))?;
        Ok(answers.into_iter().map(Ok).collect())
    }
}

pub(super) const STRATEGY: Strategy = Strategy {
    level: Some(Level::ReadCommitted),
    ..Strategy::new("till", "ours: all who wait share one transaction", Sale::AtTheTill)
};

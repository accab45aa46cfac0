//! `race run`: each strategy under the same load, one after the other.

mod crowd;
mod load;
mod tally;
mod verdict;

use std::time::{Duration, Instant};

pub use load::{Load, Onlooker};

use super::conflict::Failure;
use super::course::Course;
use super::error::Error;
use super::outcome::{Outcome, Run, SweepPoint};
use super::strategy::{Answer, Purchase, Purchases, Sale, Strategy};
use crate::till::{self, Desk};
use crowd::Counter;
use tally::Tally;

/// Buyers at once, for the curve of throughput against buyers.
const SWEEP: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// So long each point of the curve is measured.
const SWEEP_TIME: Duration = Duration::from_millis(500);

/// One strategy under load: what came of it.
struct Heat {
    tally: Tally,
    /// From the moment when all were let go to the last answer.
    elapsed: Duration,
    final_quantity: i64,
}

impl Course {
    /// Runs `strategies` under `load`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(
        &mut self,
        load: &Load,
        strategies: &[&'static Strategy],
        onlooker: &dyn Onlooker,
    ) -> Result<Run, Error> {
        let mut results = Vec::with_capacity(strategies.len());
        for strategy in strategies {
            results.push(match strategy.lacks(&self.server) {
                Some(reason) => Outcome::missing(strategy.name, reason),
                None => {
                    onlooker.starts(strategy.name, load.purchases);
                    let heat = self.heat(strategy, load, onlooker)?;
                    let promise = strategy.promise(&self.server);
                    verdict::judge(strategy.name, promise, load, self.has_check, &heat)
                }
            });
        }
        Ok(Run {
            backend: self.server.backend.slug(),
            version: self.server.version.clone(),
            buyers: load.buyers,
            purchases: load.purchases,
            copies: load.copies,
            results,
        })
    }

    /// Measures how much each of `strategies` sells a second, for 1 to 128 buyers. A number of
    /// buyers that the database has no connections for is left out.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn sweep(
        &mut self,
        load: &Load,
        strategies: &[&'static Strategy],
        onlooker: &dyn Onlooker,
    ) -> Result<Vec<SweepPoint>, Error> {
        let load = Load {
            purchases: u32::MAX,
            copies: i32::MAX / 2,
            time_limit: SWEEP_TIME,
            restock_every: None,
            ..load.clone()
        };
        let mut points = Vec::new();
        for buyers in SWEEP {
            let load = Load { buyers, ..load.clone() };
            for strategy in strategies {
                if strategy.lacks(&self.server).is_some() {
                    continue;
                }
                onlooker.starts(strategy.name, 0);
                let heat = match self.heat(strategy, &load, onlooker) {
                    Err(Error::TooFewConnections { .. }) => return Ok(points),
                    heat => heat?,
                };
                let per_second = heat.per_second();
                points.push(SweepPoint { strategy: strategy.name, buyers, per_second });
            }
        }
        Ok(points)
    }

    fn heat(
        &mut self,
        strategy: &Strategy,
        load: &Load,
        onlooker: &dyn Onlooker,
    ) -> Result<Heat, Error> {
        self.stop.check()?;
        self.scratch.fill(load.copies)?;
        let stop = self.stop.clone();
        let (tally, elapsed) = match strategy.sale {
            Sale::OnConnection(buy) => {
                let (restocker, buyers) = self.crew(load.buyers)?;
                let counters = buyers.iter_mut().map(|connection| -> Counter<'_> {
                    Box::new(move |buyer| {
                        buy(connection, buyer).map_err(|error| Failure::of(&error))
                    })
                });
                let restock = |copies| (strategy.restock)(restocker, copies);
                crowd::let_go(counters.collect(), restock, load, &stop, onlooker)?
            }
            Sale::AtTheTill => {
                let desk = self.open_till()?;
                let counters = (0..load.buyers).map(|_| counter_at(&desk, load));
                let counters = counters.collect::<Result<_, _>>()?;
                let (restocker, _) = self.crew(0)?;
                let restock = |copies| (strategy.restock)(restocker, copies);
                let sold = crowd::let_go(counters, restock, load, &stop, onlooker);
                desk.close();
                sold?
            }
        };
        self.stop.check()?;
        Ok(Heat { tally, elapsed, final_quantity: self.scratch.quantity()? })
    }

    /// The till of a bookstore, before the scratch table.
    fn open_till(&self) -> Result<Desk<Purchases>, Error> {
        let store = self.store()?;
        let settings = till::Settings { batch_limit: 512, queue_limit: 4_096 };
        Ok(Desk::open("race till", store, &settings)?)
    }
}

/// A buyer's place at the till: gets in line and waits for the answer.
fn counter_at<'a>(desk: &'a Desk<Purchases>, load: &Load) -> std::io::Result<Counter<'a>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (think, patience) = (load.think, load.time_limit);
    Ok(Box::new(move |_| {
        let asked = desk.ask(Purchase { think }, Instant::now() + patience);
        match runtime.block_on(asked) {
            Ok(answer) => Ok(answer),
            Err(till::Error::Late) => Ok(Answer::GaveUp),
            Err(error) => Err(Failure::other(error.to_string())),
        }
    }))
}

impl Heat {
    fn per_second(&self) -> f64 {
        self.tally.acknowledged as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

//! `race replay`: the article's two requests, step by step, the same every time.
//!
//! Both run the strategy's own code, each on a connection of its own; a conductor lets them go one
//! statement at a time, in turns. Whether one waits is not guessed from the clock: a third connection
//! asks the database.

mod at_the_till;
mod conductor;
mod gate;
mod request;
mod statement;
mod verdict;
mod watcher;

use std::sync::Arc;
use std::sync::mpsc;

use diesel::QueryResult;
use diesel::connection::SimpleConnection;

use super::course::Course;
use super::error::Error;
use super::level::{Level, open_for_buyer};
use super::outcome::{Actor, Timeline};
use super::strategy::{Answer, Buyer, Sale, Strategy};
use crate::store::{AnyConnection, Backend};
use conductor::{Conductor, Play};
use gate::{Gate, Puppet};
use request::Request;
use verdict::Shelf;
use watcher::{Session, Watcher};

type Buy = fn(&mut AnyConnection, &mut dyn Buyer) -> QueryResult<Answer>;

impl Course {
    /// Replays two requests that follow `strategy` for a book of `copies`; at `level`, or at the one
    /// that the database comes with.
    ///
    /// # Errors
    /// [`Error::Lacks`] if the database lacks the strategy or has no levels; [`Error`] says what else.
    pub fn replay(
        &mut self,
        strategy: &Strategy,
        level: Option<Level>,
        copies: i32,
    ) -> Result<Timeline, Error> {
        let level = self.level(strategy, level)?;
        self.scratch.fill(copies)?;
        let play = match strategy.sale {
            Sale::OnConnection(buy) => self.play(buy, level)?,
            Sale::AtTheTill => self.play_at_the_till()?,
        };
        let shelf = Shelf { copies, final_quantity: self.scratch.quantity()? };
        let sold = |answer: &&Result<Answer, String>| **answer == Ok(Answer::Sold);
        let acknowledged = play.answers.iter().filter(sold).count() as u64;
        Ok(Timeline {
            strategy: strategy.name,
            level: level.map(Level::name),
            copies,
            verdict: verdict::verdict(&play, &shelf),
            steps: play.steps,
            acknowledged,
            final_quantity: shelf.final_quantity,
            lost_updates: shelf.lost(acknowledged),
            oversold: shelf.oversold(acknowledged),
        })
    }

    /// The level that two requests run at.
    fn level(&self, strategy: &Strategy, wanted: Option<Level>) -> Result<Option<Level>, Error> {
        if let Some(reason) = strategy.lacks(&self.server) {
            let version = self.server.version.clone();
            return Err(Error::Lacks { strategy: strategy.name, version, reason });
        }
        let Some(default) = Level::default_of(self.server.backend) else {
            return match wanted {
                Some(_) => Err(Error::Level(
                    "SQLite has none to choose, its transactions are always serializable".into(),
                )),
                None => Ok(None),
            };
        };
        match (strategy.level, wanted) {
            (Some(own), Some(wanted)) if own != wanted => {
                Err(Error::Level(format!("{} always runs at {}", strategy.name, own.name())))
            }
            (own, wanted) => Ok(own.or(wanted).or(Some(default))),
        }
    }

    fn play(&mut self, buy: Buy, level: Option<Level>) -> Result<Play, Error> {
        let mut watching = self.open_for_replay(None)?;
        let watcher = Watcher::new(&mut watching, &self.server)?;
        let (events, heard) = mpsc::channel();
        let mut requests = Vec::new();
        let mut threads = Vec::new();
        for actor in Actor::BOTH {
            let mut connection = self.open_for_replay(level)?;
            let session = Session::of(&mut connection)?;
            let (go, may_go) = mpsc::channel();
            requests.push(Request::new(go, session));
            threads.push((connection, Gate::new(actor, events.clone(), may_go)));
        }
        drop(events);
        let Ok(requests) = <[Request; 2]>::try_from(requests) else {
            return Err(Error::Stuck("there are two requests".to_owned()));
        };
        let conductor = Conductor::new(requests, heard, watcher, &self.stop);
        std::thread::scope(|scope| {
            for (connection, gate) in threads {
                std::thread::Builder::new()
                    .spawn_scoped(scope, move || request(connection, gate, buy))?;
            }
            conductor.play()
        })
    }

    fn open_for_replay(&self, level: Option<Level>) -> Result<AnyConnection, Error> {
        let opened = open_for_buyer(&self.url);
        let mut connection = opened.map_err(|error| Error::Unreachable {
            url: self.url.clone(),
            reason: error.to_string().trim().to_owned(),
        })?;
        if let Some(level) = level {
            level.set(&mut connection)?;
        }
        if self.server.backend == Backend::Sqlite {
            connection.batch_execute("PRAGMA busy_timeout = 0")?;
        }
        Ok(connection)
    }
}

/// One request, from its first statement to what its buyer is told.
fn request(mut connection: AnyConnection, gate: Arc<Gate>, buy: Buy) {
    gate.guard(&mut connection);
    let answer = buy(&mut connection, &mut Puppet(Arc::clone(&gate)));
    gate.tells(answer);
}

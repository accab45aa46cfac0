//! The conductor: lets one request go one step, waits until it has done it or the database says that
//! it waits for the other, writes down what came of it, and turns to the other one.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::gate::{Act, Event};
use super::request::{Place, Request, told};
use super::watcher::{NAMED_LOCK, Watcher};
use crate::race::conflict::Conflict;
use crate::race::error::Error;
use crate::race::outcome::{Actor, Step};
use crate::race::stop::Stop;
use crate::race::strategy::Answer;

/// Longer than anything in a replay takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a timeline says while a buyer pays.
pub(super) const PAYS: &str = "the buyer pays";

/// What a step is called that was begun before and had to wait.
pub(super) const GOES_ON: &str = "... goes on";

pub(super) struct Conductor<'a> {
    requests: [Request; 2],
    events: Receiver<(Actor, Event)>,
    watcher: Watcher<'a>,
    stop: &'a Stop,
    steps: Vec<Step>,
    row: i64,
}

/// What was played, and what each buyer was told.
pub(super) struct Play {
    pub(super) steps: Vec<Step>,
    pub(super) answers: [Result<Answer, String>; 2],
    /// What made it end well, if the steps do not tell.
    pub(super) remark: Option<&'static str>,
}

impl<'a> Conductor<'a> {
    pub(super) fn new(
        requests: [Request; 2],
        events: Receiver<(Actor, Event)>,
        watcher: Watcher<'a>,
        stop: &'a Stop,
    ) -> Self {
        Self { requests, events, watcher, stop, steps: Vec::new(), row: 0 }
    }

    /// Plays both requests to their ends.
    ///
    /// # Errors
    /// See [`Error`]. Both connections are ended then, whatever they wait for, so that no thread and
    /// no lock stays.
    pub(super) fn play(mut self) -> Result<Play, Error> {
        let played = self.play_all();
        if let Err(error) = played {
            for request in &mut self.requests {
                request.go = None;
                if !request.is_over() {
                    // It fails if the database is away, and then nobody waits there.
                    let _ = self.watcher.end(request.session);
                }
            }
            return Err(error);
        }
        let answers = self.requests.map(|request| match request.place {
            Place::Over(answer) => answer,
            _ => Err("it did not end".to_owned()),
        });
        Ok(Play { steps: self.steps, answers, remark: None })
    }

    fn play_all(&mut self) -> Result<(), Error> {
        self.row = self.watcher.row()?;
        for actor in Actor::BOTH {
            self.wait_for_arrival(actor)?;
        }
        let mut turn = Actor::Book1;
        while let Some(actor) = self.next(turn) {
            self.step(actor)?;
            turn = actor.other();
        }
        if self.requests.iter().all(Request::is_over) {
            return Ok(());
        }
        Err(Error::Stuck("one waits, and nobody is left to wait for".to_owned()))
    }

    /// Who goes: they take turns. Who must try again lets the other one finish first.
    fn next(&self, turn: Actor) -> Option<Actor> {
        let can_go = |actor: &Actor| matches!(self.at(*actor).place, Place::AtGate(_));
        let is_patient = |actor: &Actor| {
            matches!(self.at(*actor).place, Place::AtGate(Act::TriesAgain(_)))
                && can_go(&actor.other())
        };
        [turn, turn.other()].into_iter().find(|actor| can_go(actor) && !is_patient(actor))
    }

    fn step(&mut self, actor: Actor) -> Result<(), Error> {
        let request = self.at_mut(actor);
        let Place::AtGate(act) = std::mem::replace(&mut request.place, Place::Busy) else {
            return Ok(());
        };
        request.error = None;
        if let Some(go) = &request.go {
            // It fails if the thread is gone, and then it does not arrive.
            let _ = go.send(());
        }
        match act {
            Act::Thinks(quantity) => {
                self.wait_for_arrival(actor)?;
                let action = match quantity {
                    ..1 => format!("{quantity} are left"),
                    _ => format!("{quantity} - 1 = {}", quantity - 1),
                };
                self.note(actor, action, Some("in memory".to_owned()));
            }
            Act::Pays => {
                self.wait_for_arrival(actor)?;
                self.note(actor, PAYS.to_owned(), None);
            }
            Act::TriesAgain(_) => {
                self.wait_for_arrival(actor)?;
                self.note(actor, "tries again".to_owned(), None);
            }
            Act::Statement(sql) => self.statement(actor, sql)?,
        }
        Ok(())
    }

    fn statement(&mut self, actor: Actor, sql: String) -> Result<(), Error> {
        let other = actor.other();
        // Before anything is heard of it: what lets it go on is the very statement that comes now.
        let other_waits = match self.at(other).place {
            Place::Waiting(seen_in) => Some(seen_in),
            _ => None,
        };
        match self.wait_for_outcome(actor, &sql)? {
            None => self.note_outcome(actor, sql.clone())?,
            // Each waits for the other. The database ends it, and who is refused comes first.
            Some(_) if other_waits.is_some() => {
                self.wait_for_arrival(actor)?;
                self.wait_for_arrival(other)?;
                let mut outcomes = [(actor, sql), (other, GOES_ON.to_owned())];
                if self.at(other).error.is_some() {
                    outcomes.reverse();
                }
                for (actor, action) in outcomes {
                    self.note_outcome(actor, action)?;
                }
                return Ok(());
            }
            Some(seen_in) => {
                self.at_mut(actor).place = Place::Waiting(seen_in);
                self.note(actor, sql.clone(), None);
                if let Some(step) = self.steps.last_mut() {
                    step.waits_for = Some(other);
                    step.seen_in = Some(seen_in);
                }
            }
        }
        if let Some(seen_in) = other_waits {
            if self.releases(actor, &sql, seen_in) {
                self.wait_for_arrival(other)?;
            } else if self.wait_for_outcome(other, GOES_ON)?.is_some() {
                return Ok(());
            }
            self.note_outcome(other, GOES_ON.to_owned())?;
        }
        Ok(())
    }

    /// Whether what `actor` just did lets go of the lock that the other one waits for.
    fn releases(&self, actor: Actor, sql: &str, seen_in: &str) -> bool {
        let request = self.at(actor);
        let conflict = request.error.as_ref().and_then(|failure| failure.conflict);
        match seen_in {
            NAMED_LOCK => sql.contains("release_lock") || request.is_over(),
            // A deadlock has rolled everything back.
            _ => sql == "COMMIT" || sql == "ROLLBACK" || conflict == Some(Conflict::Deadlock),
        }
    }

    /// Writes down what came of a statement.
    fn note_outcome(&mut self, actor: Actor, action: String) -> Result<(), Error> {
        self.row = self.watcher.row()?;
        let request = self.at(actor);
        let error = request.error.as_ref().map(|failure| failure.said.clone());
        let effect = match &request.place {
            Place::AtGate(Act::Thinks(quantity)) => Some(format!("reads {quantity}")),
            Place::AtGate(Act::Pays) if action.starts_with("SELECT quantity") => {
                Some(format!("reads {}", self.row))
            }
            Place::AtGate(Act::TriesAgain(Conflict::Outrun)) => Some("changes no row".to_owned()),
            Place::Over(answer) => Some(told(answer).to_owned()),
            _ if action.starts_with("SELECT quantity") && error.is_none() => {
                Some("finds no row".to_owned())
            }
            _ => None,
        };
        // SQLite itself does not wait where it may not: the application does, for the other to end.
        let waits = matches!(request.place, Place::AtGate(Act::TriesAgain(Conflict::Busy)))
            && !self.at(actor.other()).is_over();
        self.note(actor, action, effect);
        if let Some(step) = self.steps.last_mut() {
            step.error = error;
            if waits {
                step.waits_for = Some(actor.other());
                step.seen_in = Some("SQLITE_BUSY");
            }
        }
        Ok(())
    }

    fn note(&mut self, actor: Actor, action: String, effect: Option<String>) {
        let (waits_for, seen_in, error, row) = (None, None, None, self.row);
        self.steps.push(Step { actor, action, effect, waits_for, seen_in, error, row });
    }

    /// Waits until `actor` is at its next gate or through.
    fn wait_for_arrival(&mut self, actor: Actor) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        while !self.at(actor).has_arrived() {
            self.hear(deadline)?;
        }
        Ok(())
    }

    /// The same, or until the database says that it waits for the other one: then where it says so.
    ///
    /// Only where it can: InnoDB's picture may be an old one, of a wait that is over.
    fn wait_for_outcome(&mut self, actor: Actor, sql: &str) -> Result<Option<&'static str>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let (waiting, holder) = (self.at(actor).session, self.at(actor.other()).session);
        let takes_locks = !["BEGIN", "COMMIT", "ROLLBACK"].contains(&sql);
        while !self.at(actor).has_arrived() {
            if !self.hear(deadline)?
                && takes_locks
                && !self.at(actor.other()).is_over()
                && let Some(seen_in) = self.watcher.sees_waiting(waiting, holder)?
            {
                self.watcher.starts_anew();
                return Ok(Some(seen_in));
            }
        }
        self.watcher.starts_anew();
        Ok(None)
    }

    /// Listens for a moment. Whether there was something to hear.
    fn hear(&mut self, deadline: Instant) -> Result<bool, Error> {
        self.stop.check()?;
        let (actor, event) = match self.events.recv_timeout(self.watcher.pace()) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => return Ok(false),
            Err(RecvTimeoutError::Timeout) => {
                let why = "a statement neither ends nor waits for the other request. Does somebody \
                           else hold a lock on race_books, or read InnoDB's lock views all the time?";
                return Err(Error::Stuck(why.to_owned()));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::Stuck("a request has died".to_owned()));
            }
        };
        let request = self.at_mut(actor);
        match event {
            Event::AtGate(act) => request.place = Place::AtGate(act),
            Event::Failed(failure) => request.error = Some(failure),
            Event::Over(answer) => request.place = Place::Over(answer),
        }
        Ok(true)
    }

    fn at(&self, actor: Actor) -> &Request {
        &self.requests[actor as usize]
    }

    fn at_mut(&mut self, actor: Actor) -> &mut Request {
        &mut self.requests[actor as usize]
    }
}

//! One of the two requests, as the conductor knows it.

use std::sync::mpsc::Sender;

use super::gate::Act;
use super::watcher::Session;
use crate::race::conflict::Failure;
use crate::race::outcome::Actor;
use crate::race::strategy::Answer;

/// Where a request is.
#[derive(Debug)]
pub(super) enum Place {
    /// Let go, and not heard of since.
    Busy,
    /// Before this act.
    AtGate(Act),
    /// In the middle of a statement, seen waiting for the other one, there.
    Waiting(&'static str),
    /// Through.
    Over(Result<Answer, String>),
}

/// One of the two requests, as the conductor knows it.
pub(super) struct Request {
    /// Lets it go a step; gone when it may run by itself.
    pub(super) go: Option<Sender<()>>,
    pub(super) session: Session,
    pub(super) place: Place,
    /// What the database refused the statement with that was let go last.
    pub(super) error: Option<Failure>,
}

impl Actor {
    /// As the article calls them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Book1 => "book1",
            Self::Book2 => "book2",
        }
    }

    pub(super) const BOTH: [Self; 2] = [Self::Book1, Self::Book2];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Book1 => Self::Book2,
            Self::Book2 => Self::Book1,
        }
    }
}

impl Request {
    pub(super) fn new(go: Sender<()>, session: Session) -> Self {
        Self { go: Some(go), session, place: Place::Busy, error: None }
    }

    /// One that has nothing to do but to be answered.
    pub(super) fn served_with_the_other() -> Self {
        let place = Place::Over(Ok(Answer::Sold));
        Self { go: None, session: Session::NOBODY, place, error: None }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.place, Place::Over(_))
    }

    pub(super) fn has_arrived(&self) -> bool {
        matches!(self.place, Place::AtGate(_) | Place::Over(_))
    }
}

pub(super) fn told(answer: &Result<Answer, String>) -> &'static str {
    match answer {
        Ok(Answer::Sold) => "the buyer has a copy",
        Ok(Answer::SoldOut) => "the buyer is told: sold out",
        Ok(Answer::TurnedAway) => "the buyer is sent away",
        Ok(Answer::GaveUp) => "the buyer gives up",
        Err(_) => "the buyer gets an error",
    }
}

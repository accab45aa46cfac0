//! The gate that each request passes before each of its statements. The request is the strategy's own
//! code on a thread of its own; Diesel tells of every statement before it is sent, and there the
//! thread waits until the conductor lets it go.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use diesel::Connection as _;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use parking_lot::Mutex;

use super::statement::readable;
use crate::race::conflict::{Conflict, Failure};
use crate::race::outcome::Actor;
use crate::race::strategy::{Answer, Buyer};
use crate::store::AnyConnection;

/// What a request is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Send this to the database.
    Statement(String),
    /// Subtract in memory from the quantity that it read.
    Thinks(i32),
    /// Wait for the buyer, who pays.
    Pays,
    /// Begin anew.
    TriesAgain(Conflict),
}

/// What the conductor is told.
#[derive(Debug)]
pub(super) enum Event {
    /// It is at the gate.
    AtGate(Act),
    /// The statement that was let go failed.
    Failed(Failure),
    /// It is through: what the buyer was told.
    Over(Result<Answer, String>),
}

/// One request's side of the gate.
pub(super) struct Gate {
    actor: Actor,
    events: Sender<(Actor, Event)>,
    // Only ever used by the request's own thread; Diesel's half of it must not borrow.
    go: Mutex<Receiver<()>>,
}

impl Gate {
    pub(super) fn new(actor: Actor, events: Sender<(Actor, Event)>, go: Receiver<()>) -> Arc<Self> {
        Arc::new(Self { actor, events, go: Mutex::new(go) })
    }

    /// Has every statement of `connection` pass the gate.
    pub(super) fn guard(self: &Arc<Self>, connection: &mut AnyConnection) {
        connection.set_instrumentation(Statements(Arc::clone(self)));
    }

    /// Tells what the buyer was told.
    pub(super) fn tells(&self, answer: diesel::QueryResult<Answer>) {
        self.tell(Event::Over(answer.map_err(|error| Failure::of(&error).said)));
    }

    /// Waits to be let go. `false`: the conductor has gone, and the rest runs by itself.
    fn pass(&self, act: Act) -> bool {
        self.tell(Event::AtGate(act));
        self.go.lock().recv().is_ok()
    }

    fn tell(&self, event: Event) {
        // Nobody listens once the conductor has gone.
        let _ = self.events.send((self.actor, event));
    }
}

/// What Diesel tells of.
struct Statements(Arc<Gate>);

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.0.pass(Act::Statement(readable(&query.to_string())));
            }
            InstrumentationEvent::FinishQuery { error: Some(error), .. } => {
                self.0.tell(Event::Failed(Failure::of(error)));
            }
            _ => {}
        }
    }
}

/// A buyer who does everything when the conductor says so.
pub(super) struct Puppet(pub(super) Arc<Gate>);

impl Buyer for Puppet {
    fn thinks(&mut self, quantity: i32) {
        self.0.pass(Act::Thinks(quantity));
    }

    fn pays(&mut self) {
        self.0.pass(Act::Pays);
    }

    fn tries_again(&mut self, why: Conflict) -> bool {
        self.0.pass(Act::TriesAgain(why))
    }
}

//! The replay of the till. It has no two requests that meet in the database: whoever waits in line is
//! served together, on the till's own connection. So there is one play of statements, for both.

use std::sync::mpsc;

use super::conductor::{Conductor, Play};
use super::gate::Gate;
use super::request::{Request, told};
use super::watcher::{Session, Watcher};
use crate::race::course::Course;
use crate::race::error::Error;
use crate::race::outcome::{Actor, Step};
use crate::race::strategy::{Answer, Purchase, Purchases};
use crate::till::Trade as _;

impl Course {
    pub(super) fn play_at_the_till(&mut self) -> Result<Play, Error> {
        let mut watching = self.open_for_replay(None)?;
        let watcher = Watcher::new(&mut watching, &self.server)?;
        let store = self.store()?;
        let (events, heard) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let gate = Gate::new(Actor::Book1, events, may_go);
        // The store has one connection for transactions. The gate is set up within one, whose COMMIT
        // is the first to pass it, and no part of the play.
        let _ = go.send(());
        let session = store.transaction(|connection| {
            let session = Session::of(connection)?;
            gate.guard(connection);
            Ok(session)
        })?;
        let _ = heard.recv();
        let requests = [Request::new(go, session), Request::served_with_the_other()];
        let conductor = Conductor::new(requests, heard, watcher, &self.stop);
        let row = self.scratch.quantity()?;
        let (play, answers) = std::thread::scope(|scope| {
            let till = std::thread::Builder::new().spawn_scoped(scope, || {
                let asks = [(); 2].map(|()| Purchase { think: std::time::Duration::ZERO });
                let served = Purchases::serve(&store, store.deadline(), &asks);
                gate.tells(Ok(Answer::Sold));
                served
            })?;
            let play = conductor.play()?;
            let served = till.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok::<_, Error>((play, served?))
        })?;
        let mut answers = answers.into_iter().map(|answer| answer.map_err(|e| e.to_string()));
        let mut next = || answers.next().unwrap_or(Ok(Answer::GaveUp));
        Ok(story(play.steps, [next(), next()], row))
    }
}

/// The play with its beginning and its end: both come, and each is answered.
fn story(statements: Vec<Step>, answers: [Result<Answer, String>; 2], row: i64) -> Play {
    let note = |actor, action: &str, effect: &str, row| Step {
        actor,
        action: action.to_owned(),
        effect: Some(effect.to_owned()),
        waits_for: None,
        seen_in: None,
        error: None,
        row,
    };
    let mut steps: Vec<_> = Actor::BOTH
        .into_iter()
        .map(|actor| note(actor, "asks the till", "stands in line", row))
        .collect();
    for mut step in statements {
        let is_read = step.action.starts_with("SELECT quantity");
        if is_read {
            step.effect = Some(format!("reads {row}"));
        }
        steps.push(step);
        if is_read {
            let sold = answers.iter().filter(|answer| **answer == Ok(Answer::Sold)).count();
            let sum = format!("{row}{} = {}", " - 1".repeat(sold), row - sold as i64);
            steps.push(note(Actor::Book1, &sum, "in memory", row));
        }
    }
    if let Some(last) = steps.last_mut() {
        last.effect = Some(told(&answers[0]).to_owned());
        let row = last.row;
        steps.push(note(Actor::Book2, "served in the same transaction", told(&answers[1]), row));
    }
    let remark = Some("Both were served in one transaction: one lock, one write, one commit.");
    Play { steps, answers, remark }
}

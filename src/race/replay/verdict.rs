//! How a replay ended, in plain sentences.

use super::conductor::{GOES_ON, PAYS, Play};
use crate::race::outcome::{Actor, Step};
use crate::race::strategy::Answer;
use crate::race::words::counted;

/// What was on the shelf, and what is.
pub(super) struct Shelf {
    pub(super) copies: i32,
    pub(super) final_quantity: i64,
}

impl Shelf {
    /// Acknowledged copies that left no trace in the quantity.
    pub(super) fn lost(&self, acknowledged: u64) -> u64 {
        let must_be = i64::from(self.copies) - acknowledged.cast_signed();
        u64::try_from(self.final_quantity - must_be).unwrap_or(0)
    }

    /// Copies acknowledged beyond what was there.
    pub(super) fn oversold(&self, acknowledged: u64) -> u64 {
        u64::try_from(acknowledged.cast_signed() - i64::from(self.copies)).unwrap_or(0)
    }
}

pub(super) fn verdict(play: &Play, shelf: &Shelf) -> String {
    let acknowledged = play.answers.iter().filter(|a| **a == Ok(Answer::Sold)).count() as u64;
    let (lost, oversold) = (shelf.lost(acknowledged), shelf.oversold(acknowledged));
    if lost > 0 {
        let left = i64::from(shelf.copies) - shelf.final_quantity;
        return format!(
            "An update is lost: {acknowledged} buyers have a copy, and {left} left the shelf. No \
             error told anybody."
        );
    }
    if oversold > 0 {
        return format!(
            "No update is lost, but {} sold beyond what was there: the shelf says {}.",
            counted(oversold, "copy was", "copies were"),
            shelf.final_quantity
        );
    }
    let mut words = vec!["No update is lost.".to_owned()];
    for (actor, answer) in Actor::BOTH.into_iter().zip(&play.answers) {
        let steps: Vec<_> = play.steps.iter().filter(|step| step.actor == actor).collect();
        words.extend(story(actor, answer, &steps, shelf));
    }
    words.extend(play.remark.map(str::to_owned));
    if words.len() == 1 {
        words.push(nothing_special(&play.steps).to_owned());
    }
    words.join(" ")
}

/// Why neither of them met the other.
fn nothing_special(steps: &[Step]) -> &'static str {
    let is_before_payment = |step: &&Step| step.action != PAYS;
    let before_payment = || steps.iter().take_while(is_before_payment);
    if before_payment().count() == steps.len() {
        return "One statement does it: nothing comes between.";
    }
    match before_payment().any(|step| step.action.starts_with("UPDATE")) {
        true => "The copies had left the shelf before anybody paid.",
        false => {
            "Both paid before anything was written: of a last copy both would have been told that it \
             is theirs (--copies 1)."
        }
    }
}

/// What was special about one of them.
fn story(
    actor: Actor,
    answer: &Result<Answer, String>,
    steps: &[&Step],
    shelf: &Shelf,
) -> Option<String> {
    let name = actor.name();
    let has_tried_again = steps.iter().any(|step| step.action == "tries again");
    Some(match answer {
        Err(said) if said.starts_with("SQLITE_BUSY") => format!(
            "SQLite refused {name}: a transaction that has read may write only if nobody else does \
             or did meanwhile, and it is told so at once. Its buyer gets an error, unless the \
             application begins again."
        ),
        Err(said) => format!(
            "The database refused {name} ({said}). Its buyer gets an error, unless the application \
             begins again."
        ),
        Ok(Answer::TurnedAway) => format!(
            "{name} did not wait: its buyer was sent away, although {} left.",
            counted(shelf.final_quantity, "copy is", "copies are")
        ),
        Ok(Answer::GaveUp) => format!("{name} gave up."),
        Ok(_) if has_tried_again => {
            format!("{name} was refused, began again, and read what the other one had left.")
        }
        Ok(_) => {
            let other = steps.iter().find_map(|step| step.waits_for)?.name();
            let reads =
                |step: &&&Step| step.effect.as_ref().is_some_and(|it| it.starts_with("reads"));
            match steps.iter().find(|step| step.action == GOES_ON).filter(reads) {
                Some(_) => {
                    format!("{name} waited until {other} had committed, and read what it had left.")
                }
                None => format!("{name} waited for {other}."),
            }
        }
    })
}

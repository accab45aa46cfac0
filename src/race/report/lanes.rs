//! The race as two lanes: book1 left, book2 right, the row between them, time going down.
//!
//! It is a table, drawn as lanes by the style sheet, so that what is seen is also what is read out,
//! and that it needs no second copy of its words.

use maud::{Markup, html};

use super::number;
use crate::race::outcome::{Actor, Step, Timeline};

pub(super) fn introduction() -> Markup {
    html! {
        p {
            "Time goes down. Between the lanes is what anybody else reads in the row after each \
             step. A hatched lane waits: the database itself was asked for whom."
        }
    }
}

/// `number` tells timelines of one strategy apart.
pub(super) fn render(timeline: &Timeline, number: usize) -> Markup {
    let heading = format!("race-{number}");
    html! {
        article.race aria-labelledby=(heading) {
            h3 id=(heading) {
                (timeline.strategy)
                @if let Some(level) = timeline.level { " " span.level { "at " (level) } }
            }
            p { (timeline.verdict) }
            table.lanes {
                thead {
                    tr {
                        th scope="col" { "book1" }
                        th scope="col" { "on the shelf" }
                        th scope="col" { "book2" }
                    }
                }
                tbody {
                    tr { td.lane {} td.row { span.quantity { (timeline.copies) } } td.lane {} }
                    @for place in 0..timeline.steps.len() { (row(timeline, place)) }
                }
            }
            (outcome(timeline))
        }
    }
}

fn row(timeline: &Timeline, place: usize) -> Markup {
    let step = &timeline.steps[place];
    let before = match place {
        0 => i64::from(timeline.copies),
        _ => timeline.steps[place - 1].row,
    };
    html! {
        tr {
            (lane(timeline, place, Actor::Book1))
            td.row {
                @if step.row == before {
                    span.quantity { (number::count(step.row)) }
                } @else {
                    span.quantity.changed {
                        (number::count(before)) " → " (number::count(step.row))
                    }
                }
            }
            (lane(timeline, place, Actor::Book2))
        }
    }
}

/// The cell of `actor`'s lane in the row of the step at `place`.
fn lane(timeline: &Timeline, place: usize, actor: Actor) -> Markup {
    let step = &timeline.steps[place];
    let waited = waits_after(&timeline.steps[..place], actor);
    let waits = waits_after(&timeline.steps[..=place], actor);
    let line = match (waited, waits) {
        (false, false) => "free",
        (false, true) => "begins",
        (true, true) => "waits",
        (true, false) => "ends",
    };
    html! {
        td.lane.(line) {
            @if step.actor == actor {
                (card(step, place + 1))
            } @else if waits {
                span.still { "still waits" }
            }
        }
    }
}

/// Whether `actor` waits after `steps`: until its next step, whatever that is.
fn waits_after(steps: &[Step], actor: Actor) -> bool {
    steps.iter().rfind(|step| step.actor == actor).is_some_and(|step| step.waits_for.is_some())
}

fn card(step: &Step, number: usize) -> Markup {
    html! {
        div.step.failed[step.error.is_some()].blocked[step.waits_for.is_some()] {
            span.number { (number) }
            code { (step.action) }
            @if let Some(holder) = step.waits_for {
                span.wait {
                    "waits for " (name(holder))
                    @if let Some(view) = step.seen_in { ", seen in " code { (view) } }
                }
            }
            @if let Some(error) = &step.error { span.error { "✗ refused: " (error) } }
            @if let Some(effect) = &step.effect { span.effect { (effect) } }
        }
    }
}

fn name(actor: Actor) -> &'static str {
    match actor {
        Actor::Book1 => "book1",
        Actor::Book2 => "book2",
    }
}

fn outcome(timeline: &Timeline) -> Markup {
    html! {
        dl.outcome {
            div { dt { "told “sold”" } dd { (number::copies(timeline.acknowledged)) } }
            div { dt { "started with" } dd { (timeline.copies) } }
            div { dt { "left" } dd { (number::count(timeline.final_quantity)) } }
            (damage("lost", timeline.lost_updates))
            (damage("oversold", timeline.oversold))
        }
    }
}

fn damage(word: &str, copies: u64) -> Markup {
    html! {
        div.bad[copies > 0] {
            dt { (word) }
            dd { @if copies > 0 { "✗ " } (copies) }
        }
    }
}

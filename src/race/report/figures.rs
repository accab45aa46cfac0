//! The numbers behind the charts, as tables.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::line::{Line, lines};
use super::number;
use super::prose::prose;
use crate::race::outcome::{Outcome, Run, SweepPoint};

/// What a column says.
const GLOSSARY: [(&str, &str); 7] = [
    ("acknowledged", "copies whose buyers were told that they have them"),
    ("refused", "purchases that were told no: sold out, row locked, or an error"),
    ("left", "what the row said in the end"),
    ("lost", "acknowledged copies that left no trace in the quantity"),
    ("oversold", "copies acknowledged beyond what was there"),
    ("retries", "attempts beyond the first; deadlocks are those that a deadlock made needed"),
    ("p50, p99", "milliseconds from asking to the answer: half took less, 99 of 100 took less"),
];

pub(super) fn glossary() -> Markup {
    html! {
        dl.facts { @for (word, meaning) in GLOSSARY { dt { (word) } dd { (meaning) } } }
    }
}

const COLUMNS: [&str; 11] = [
    "strategy",
    "acknowledged",
    "refused",
    "left",
    "lost",
    "oversold",
    "retries",
    "deadlocks",
    "sales/s",
    "p50 ms",
    "p99 ms",
];

pub(super) fn run(run: &Run) -> Markup {
    let load = number::load(run);
    html! {
        h3 { (load) }
        (wide(&load, html! {
            thead { tr { @for name in COLUMNS { th scope="col" { (name) } } } }
            tbody { @for outcome in &run.results { (row(outcome)) } }
        }))
        dl.facts {
            @for outcome in &run.results {
                dt { (outcome.strategy) }
                dd.bad[!outcome.as_expected] { (prose(outcome.reason.as_ref().unwrap_or(&outcome.verdict))) }
            }
        }
    }
}

/// A table that may be wider than the screen: whoever has no mouse scrolls it by keys.
fn wide(name: &str, rows: Markup) -> Markup {
    html! {
        section.wide tabindex="0" aria-label=(name) {
            table aria-label=(name) { (rows) }
        }
    }
}

fn row(outcome: &Outcome) -> Markup {
    html! {
        tr {
            th scope="row" { (outcome.strategy) }
            @if outcome.supported {
                td { (count(outcome.acknowledged)) }
                td { (count(outcome.refused)) }
                td { (outcome.final_quantity.map(number::count).unwrap_or_default()) }
                td.bad[outcome.lost_updates > Some(0)] { (count(outcome.lost_updates)) }
                td.bad[outcome.oversold > Some(0)] { (count(outcome.oversold)) }
                td { (count(outcome.retries)) }
                td { (count(outcome.deadlocks)) }
                td { (outcome.per_second.map(number::rate).unwrap_or_default()) }
                td { (outcome.p50_ms.map(number::milliseconds).unwrap_or_default()) }
                td { (outcome.p99_ms.map(number::milliseconds).unwrap_or_default()) }
            } @else {
                td.none colspan=(COLUMNS.len() - 1) { "not on this database" }
            }
        }
    }
}

fn count(figure: Option<u64>) -> String {
    figure.map(|figure| number::count(figure.cast_signed())).unwrap_or_default()
}

const SWEEP: &str = "Sales a second, by the number of buyers at once";

/// A row for each strategy, a column for each number of buyers.
pub(super) fn sweep(sweep: &[SweepPoint]) -> Markup {
    let buyers: BTreeSet<_> = sweep.iter().map(|point| point.buyers).collect();
    let at = |line: &Line<'_>, buyers: u32| {
        let point = line.points.iter().find(|point| point.buyers == buyers);
        point.map(|point| number::rate(point.per_second)).unwrap_or_default()
    };
    html! {
        h3 { (SWEEP) }
        (wide(SWEEP, html! {
            thead {
                tr {
                    th scope="col" { "strategy" }
                    @for number in &buyers { th scope="col" { (number) } }
                }
            }
            tbody {
                @for line in lines(sweep) {
                    tr {
                        th scope="row" { (line.strategy) }
                        @for number in &buyers { td { (at(&line, *number)) } }
                    }
                }
            }
        }))
    }
}

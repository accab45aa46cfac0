//! What a run shows, in a few sentences.

use maud::{Markup, html};

use super::prose::prose;
use super::{number, runs};
use crate::race::outcome::{Outcome, Report, Run};

/// Whether `strategy` lost or oversold a copy in any run.
pub(super) fn is_wrong(report: &Report, strategy: &str) -> bool {
    runs(report)
        .flat_map(|run| &run.results)
        .any(|outcome| outcome.strategy == strategy && did_damage(outcome))
}

fn did_damage(outcome: &Outcome) -> bool {
    outcome.lost_updates > Some(0) || outcome.oversold > Some(0)
}

pub(super) fn render(report: &Report) -> Markup {
    let those = |is_one: &dyn Fn(&Outcome) -> bool| -> Vec<_> {
        let found = report.plenty.results.iter().filter(|outcome| is_one(outcome));
        found.map(|outcome| outcome.strategy).collect()
    };
    let right = those(&|one| one.supported && !is_wrong(report, one.strategy));
    let lacking = those(&|one| !one.supported);
    html! {
        @for run in runs(report) { (of_run(run)) }
        @if !right.is_empty() { p { "Never wrong: " (names(&right)) "." } }
        @if !lacking.is_empty() { p { "Not on this database: " (names(&lacking)) "." } }
        (surprises(report))
    }
}

fn of_run(run: &Run) -> Markup {
    let damage: Vec<_> = run.results.iter().filter_map(damage_in_words).collect();
    // Where there is a copy for everybody, nobody need be told no.
    let is_plenty = i64::from(run.copies) >= i64::from(run.purchases);
    let refused: Vec<_> = run
        .results
        .iter()
        .filter(|_| is_plenty)
        .filter_map(|one| Some((one.strategy, one.refused.filter(|refused| *refused > 0)?)))
        .map(|(strategy, refused)| format!("{strategy} {}", number::count(refused.cast_signed())))
        .collect();
    html! {
        p {
            strong { (number::load(run)) ": " }
            @if damage.is_empty() {
                "no copy was lost or oversold."
            } @else {
                (damage.join("; ")) "."
            }
            @if !refused.is_empty() {
                " Refused although there were copies: " (listed(&refused)) "."
            }
        }
    }
}

/// `naive lost 562 copies and oversold 562`.
fn damage_in_words(outcome: &Outcome) -> Option<String> {
    let lost = outcome.lost_updates.filter(|copies| *copies > 0);
    let oversold = outcome.oversold.filter(|copies| *copies > 0);
    let words = match (lost, oversold) {
        (None, None) => return None,
        (Some(lost), None) => format!("lost {}", number::copies(lost)),
        (None, Some(oversold)) => format!("oversold {}", number::copies(oversold)),
        (Some(lost), Some(oversold)) => {
            format!(
                "lost {} and oversold {}",
                number::copies(lost),
                number::count(oversold.cast_signed())
            )
        }
    };
    Some(format!("{} {words}", outcome.strategy))
}

/// What did not behave as its description says: the reader must not miss it.
fn surprises(report: &Report) -> Markup {
    let surprising: Vec<_> = runs(report)
        .flat_map(|run| run.results.iter().map(move |outcome| (run, outcome)))
        .filter(|(_, outcome)| !outcome.as_expected)
        .collect();
    html! {
        @if surprising.is_empty() {
            p { "Each behaved as its description says." }
        } @else {
            div.surprise {
                p { strong { "Not as described:" } }
                ul {
                    @for (run, outcome) in surprising {
                        li {
                            (outcome.strategy) " (" (number::load(run)) "): "
                            (prose(&outcome.verdict))
                        }
                    }
                }
            }
        }
    }
}

fn names(names: &[&str]) -> String {
    listed(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

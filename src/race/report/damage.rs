//! The chart of lost and oversold copies: a bar for each strategy.

use maud::{Markup, html};

use super::chart::percent;
use super::number;
use crate::race::outcome::{Outcome, Run};

/// What a bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Lost,
    Oversold,
}

impl Damage {
    fn of(self, outcome: &Outcome) -> Option<u64> {
        match self {
            Self::Lost => outcome.lost_updates,
            Self::Oversold => outcome.oversold,
        }
    }

    /// Also its name in the style sheet.
    fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Oversold => "oversold",
        }
    }
}

/// Pixels.
const BAR: usize = 12;
const GAP: usize = 2;
const BETWEEN_ROWS: usize = 12;

/// `number` tells the charts of a page apart.
pub(super) fn render(run: &Run, number: usize) -> Markup {
    let shown = shown(run);
    let row = shown.len() * (BAR + GAP) + BETWEEN_ROWS;
    let id = format!("damage-{number}");
    // A share of nothing is nothing.
    let most = run.results.iter().flat_map(|one| shown.iter().filter_map(|damage| damage.of(one)));
    let most = most.max().unwrap_or_default().max(1);
    html! {
        figure.damage {
            figcaption {
                strong { (number::load(run)) }
                span.legend {
                    @for damage in &shown { span { span.key.(damage.name()) {} (damage.name()) } }
                }
            }
            svg role="img" aria-labelledby={ (id) "-title " (id) "-words" }
                height=(row * run.results.len()) {
                title id={ (id) "-title" } { "Lost and oversold copies: " (number::load(run)) }
                desc id={ (id) "-words" } { (in_words(run, &shown)) }
                defs {
                    pattern id={ (id) "-hatch" } width="5" height="5" patternUnits="userSpaceOnUse"
                        patternTransform="rotate(45)" { rect.ink width="2.5" height="5" {} }
                }
                line.axis x1="0" x2="0" y1="0" y2=(row * run.results.len()) {}
                @for (place, outcome) in run.results.iter().enumerate() {
                    (bars(outcome, &shown, most, place * row, &id))
                }
            }
        }
    }
}

/// Overselling cannot be where copies abound; an empty bar for it would only confuse.
fn shown(run: &Run) -> Vec<Damage> {
    let is_scarce = i64::from(run.copies) < i64::from(run.purchases);
    let oversold = run.results.iter().any(|outcome| outcome.oversold > Some(0));
    if is_scarce || oversold { vec![Damage::Lost, Damage::Oversold] } else { vec![Damage::Lost] }
}

/// The row of `outcome`, which begins `top` pixels down.
fn bars(outcome: &Outcome, shown: &[Damage], most: u64, top: usize, id: &str) -> Markup {
    let first = top + BETWEEN_ROWS / 2;
    let middle = first + (shown.len() * (BAR + GAP)) / 2;
    html! {
        text.name x="0" dx="-10" y=(middle) { (outcome.strategy) }
        @if !outcome.supported {
            text.none x="0" dx="6" y=(middle) { "not on this database" }
        } @else if shown.iter().all(|damage| damage.of(outcome) == Some(0)) {
            text.none x="0" dx="6" y=(middle) { "0" }
        } @else {
            (pair(outcome, shown, most, first, id))
        }
    }
}

fn pair(outcome: &Outcome, shown: &[Damage], most: u64, first: usize, id: &str) -> Markup {
    html! {
        @for (place, damage) in shown.iter().enumerate() {
            @let y = first + place * (BAR + GAP);
            @if let Some(copies) = damage.of(outcome) {
                @let share = copies as f64 / most as f64;
                @if *damage == Damage::Lost {
                    rect.lost y=(y) width=(percent(share)) height=(BAR) {}
                } @else {
                    rect.oversold y=(y) width=(percent(share)) height=(BAR)
                        fill={ "url(#" (id) "-hatch)" } {}
                }
                text.value.none[copies == 0] x=(percent(share)) dx="6" y=(y + BAR / 2) {
                    (number::count(copies.cast_signed()))
                }
            }
        }
    }
}

fn in_words(run: &Run, shown: &[Damage]) -> String {
    let of_one = |outcome: &Outcome| {
        let parts: Vec<_> = shown
            .iter()
            .filter_map(|damage| Some(format!("{} {}", damage.of(outcome)?, damage.name())))
            .collect();
        let what =
            if parts.is_empty() { "not on this database".to_owned() } else { parts.join(", ") };
        format!("{}: {what}", outcome.strategy)
    };
    run.results.iter().map(of_one).collect::<Vec<_>>().join("; ") + "."
}

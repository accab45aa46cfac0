//! The chart of throughput against buyers: a small one for each strategy, all to one scale, the
//! others in grey behind. Ten lines in one chart could not be told apart, least of all by colour.

use maud::{Markup, html};

use super::chart::{Logarithmic, percent};
use super::line::{Line, lines};
use super::number;
use super::summary::is_wrong;
use crate::race::outcome::{Report, SweepPoint};

/// Pixels; above it is room for a label, below it for the axis.
const HEIGHT: f64 = 120.0;
const ABOVE: f64 = 20.0;
const BELOW: f64 = 22.0;

struct Axes {
    buyers: Logarithmic,
    per_second: Logarithmic,
    /// The numbers of buyers that were tried.
    tried: Vec<u32>,
}

impl Axes {
    fn of(sweep: &[SweepPoint]) -> Self {
        let mut tried: Vec<_> = sweep.iter().map(|point| point.buyers).collect();
        tried.sort_unstable();
        tried.dedup();
        Self {
            buyers: Logarithmic::over(sweep.iter().map(|point| f64::from(point.buyers))),
            per_second: Logarithmic::decades(sweep.iter().map(|point| point.per_second)),
            tried,
        }
    }

    fn x(&self, buyers: u32) -> String {
        percent(self.buyers.share(f64::from(buyers)))
    }

    fn y(&self, per_second: f64) -> String {
        format!("{:.1}", ABOVE + HEIGHT * (1.0 - self.per_second.share(per_second)))
    }
}

pub(super) fn render(report: &Report) -> Markup {
    let axes = Axes::of(&report.sweep);
    let lines = lines(&report.sweep);
    html! {
        p {
            "Sales a second (upwards) against buyers at once (to the right). Both scales are \
             logarithmic and the same in every chart; each names its best rate; the other strategies \
             are grey. A dashed line is fast at being wrong."
        }
        div.multiples {
            @for line in &lines { (one(line, &lines, &axes, is_wrong(report, line.strategy))) }
        }
    }
}

fn one(line: &Line<'_>, all: &[Line<'_>], axes: &Axes, wrong: bool) -> Markup {
    let id = format!("throughput-{}", line.strategy);
    html! {
        figure.multiple.wrong[wrong] {
            figcaption {
                strong { (line.strategy) }
                @if wrong { " " span.flag { "loses or oversells" } }
            }
            svg role="img" aria-labelledby={ (id) "-title " (id) "-words" }
                height=(ABOVE + HEIGHT + BELOW) {
                title id={ (id) "-title" } { "Sales a second with " (line.strategy) }
                desc id={ (id) "-words" } { (in_words(line)) }
                (grid(axes))
                @for other in all.iter().filter(|other| other.strategy != line.strategy) {
                    g.other { (path(other, axes)) }
                }
                g.this { (path(line, axes)) (dots(line, axes)) }
            }
        }
    }
}

fn grid(axes: &Axes) -> Markup {
    html! {
        g.grid {
            @for value in axes.per_second.powers_of_ten() {
                line x1="0" x2="100%" y1=(axes.y(value)) y2=(axes.y(value)) {}
                text.value-label x="0" dx="-6" y=(axes.y(value)) { (number::rate(value)) }
            }
            @for (place, &buyers) in axes.tried.iter().enumerate() {
                @let x = axes.x(buyers);
                line x1=(x) x2=(x) y1=(ABOVE + HEIGHT) y2=(ABOVE + HEIGHT + 4.0) {}
                // All of them would run into each other on a small screen. The last one is named.
                @if (axes.tried.len() - place) % 2 == 1 {
                    text.buyers-label x=(x) y=(ABOVE + HEIGHT + BELOW - 4.0) { (buyers) }
                }
            }
        }
    }
}

/// A `polyline` cannot measure in percent; single lines can.
fn path(line: &Line<'_>, axes: &Axes) -> Markup {
    html! {
        @for pair in line.points.windows(2) {
            line x1=(axes.x(pair[0].buyers)) y1=(axes.y(pair[0].per_second))
                x2=(axes.x(pair[1].buyers)) y2=(axes.y(pair[1].per_second)) {}
        }
    }
}

fn dots(line: &Line<'_>, axes: &Axes) -> Markup {
    let best = line.points.iter().max_by(|a, b| a.per_second.total_cmp(&b.per_second));
    html! {
        @for point in &line.points {
            circle cx=(axes.x(point.buyers)) cy=(axes.y(point.per_second)) r="2.5" {}
        }
        @if let Some(best) = best {
            @let share = axes.buyers.share(f64::from(best.buyers));
            text.best x=(axes.x(best.buyers)) y=(axes.y(best.per_second)) dy="-8"
                text-anchor=(anchor(share)) { (number::rate(best.per_second)) }
        }
    }
}

/// On which side of its dot a label keeps within the chart.
fn anchor(share: f64) -> &'static str {
    match share {
        ..0.2 => "start",
        0.2..=0.8 => "middle",
        _ => "end",
    }
}

fn in_words(line: &Line<'_>) -> String {
    let words = |point: &&SweepPoint| {
        let buyers = if point.buyers == 1 { "buyer" } else { "buyers" };
        format!("{} with {} {buyers}", number::rate(point.per_second), point.buyers)
    };
    line.points.iter().map(words).collect::<Vec<_>>().join(", ") + "."
}

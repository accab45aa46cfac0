//! The result of a run, for people: the figures side by side, and what they mean.

use bookstore::race::{Outcome, Run, counted};
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, TableComponent, presets};

/// Columns when nobody says how wide the terminal is.
pub(super) const WIDTH: u16 = 100;

pub(super) fn of(run: &Run) -> String {
    format!(
        "{}: {} at once, {} of one copy each, {} on the shelf\n\n{}\n\n{}",
        run.version,
        counted(run.buyers, "buyer", "buyers"),
        counted(run.purchases, "purchase", "purchases"),
        counted(run.copies, "copy", "copies"),
        figures(&run.results).trim_fmt(),
        verdicts(&run.results).trim_fmt()
    )
}

fn figures(results: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    for between_rows in [TableComponent::HorizontalLines, TableComponent::MiddleIntersections] {
        table.remove_style(between_rows);
    }
    table.set_header([
        "\nstrategy",
        "acknow-\nledged",
        "\nrefused",
        "final\nquantity",
        "lost\nupdates",
        "over-\nsold",
        "\nretries",
        "dead-\nlocks",
        "\nsales/s",
        "p50\nms",
        "p99\nms",
    ]);
    for outcome in results.iter().filter(|outcome| outcome.supported) {
        table.add_row([
            Cell::new(outcome.strategy),
            count(outcome.acknowledged),
            count(outcome.refused),
            Cell::new(outcome.final_quantity.unwrap_or_default()),
            alarm(outcome.lost_updates),
            alarm(outcome.oversold),
            count(outcome.retries),
            count(outcome.deadlocks),
            decimal(outcome.per_second),
            decimal(outcome.p50_ms),
            decimal(outcome.p99_ms),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
        if column.index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn count(number: Option<u64>) -> Cell {
    Cell::new(number.unwrap_or_default())
}

/// A number that should be 0.
fn alarm(number: Option<u64>) -> Cell {
    match number {
        Some(1..) => count(number).fg(Color::DarkRed),
        _ => count(number),
    }
}

/// Digits that mean something: none after the point where there are enough before it.
fn decimal(number: Option<f64>) -> Cell {
    let digits = if number.is_some_and(|number| number < 100.0) { 1 } else { 0 };
    Cell::new(number.map_or_else(String::new, |number| format!("{number:.digits$}")))
}

fn verdicts(results: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    for outcome in results {
        let verdict = Cell::new(&outcome.verdict);
        let verdict = if outcome.as_expected { verdict } else { verdict.fg(Color::DarkRed) };
        table.add_row([Cell::new(outcome.strategy), verdict]);
    }
    if let Some(names) = table.column_mut(0) {
        names.set_padding((0, 2));
    }
    table
}

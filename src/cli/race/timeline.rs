//! A timeline, for people: what book1 did on the left, what book2 did on the right, and what the row
//! said to everybody else.

use bookstore::race::{Actor, Step, Timeline, counted};
use comfy_table::{
    Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width, presets,
};

use super::table::WIDTH;

/// Of the table's width what is not a lane: three borders and the frame, and the row.
const NO_LANE: u16 = 4 + 5;

pub(super) fn of(timeline: &Timeline, version: &str) -> String {
    let Timeline { strategy, level, copies, verdict, .. } = timeline;
    let level = level.map_or_else(String::new, |level| format!(" at {level}"));
    format!(
        "{strategy} on {version}{level}, {} on the shelf\n{}\n{}",
        counted(*copies, "copy", "copies"),
        lanes(timeline),
        outcome(timeline, verdict).trim_fmt()
    )
}

fn lanes(timeline: &Timeline) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let width = table.width().unwrap_or(WIDTH);
    table.set_width(width);
    let lane = width.saturating_sub(NO_LANE) / 2;
    table.set_header(["book1", "book2", "row"]);
    for step in &timeline.steps {
        let text = Cell::new(text(step, usize::from(lane)));
        let text = match step {
            Step { error: Some(_), .. } => text.fg(Color::DarkRed),
            Step { waits_for: Some(_), .. } => text.fg(Color::DarkYellow),
            _ => text,
        };
        let row = Cell::new(step.row);
        table.add_row(match step.actor {
            Actor::Book1 => [text, Cell::new(""), row],
            Actor::Book2 => [Cell::new(""), text, row],
        });
    }
    for column in table.column_iter_mut() {
        match column.index {
            2 => column.set_cell_alignment(CellAlignment::Right),
            _ => {
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(lane)));
            }
        }
    }
    table
}

/// Each thing on a line of its own, but a short effect beside what it is the effect of.
fn text(step: &Step, lane: usize) -> String {
    let mut lines = vec![step.action.clone()];
    lines.extend(step.error.iter().map(|error| format!("\u{2717} {error}")));
    if let Some(waits_for) = step.waits_for {
        let seen_in = step.seen_in.map(|view| format!(" ({view})")).unwrap_or_default();
        lines.push(format!("\u{2026} waits for {}{seen_in}", waits_for.name()));
    }
    if let Some(effect) = &step.effect {
        let effect = format!("\u{2192} {effect}");
        match lines.as_mut_slice() {
            [action] if action.len() + effect.len() < lane => *action += &format!(" {effect}"),
            _ => lines.push(effect),
        }
    }
    lines.join("\n")
}

fn outcome(timeline: &Timeline, verdict: &str) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.add_row([format!(
        "{} acknowledged, {} in the row, {} lost, {} oversold. {verdict}",
        timeline.acknowledged, timeline.final_quantity, timeline.lost_updates, timeline.oversold
    )]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 0));
    }
    table
}

//! The figures for people.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use crate::figures::{Figures, Phase};

/// Tables of the phases, of what came of the attacks, and of the bars.
pub(crate) fn tables(figures: &Figures) -> String {
    let phases = phases(&figures.phases);
    let attacks = attacks(&figures.phases);
    let bars = bars(figures);
    let faults: Vec<_> = faults(&figures.phases).collect();
    let missed = figures.bars.iter().filter(|bar| !bar.is_met).count();
    let verdict = match missed {
        0 => "All bars are met.".to_owned(),
        1 => "1 bar is missed.".to_owned(),
        missed => format!("{missed} bars are missed."),
    };
    let faults = match faults.as_slice() {
        [] => String::new(),
        faults => format!("What should not have been:\n  {}\n\n", faults.join("\n  ")),
    };
    format!("{phases}\n\n{attacks}\n\n{faults}{bars}\n\n{verdict}")
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(head);
    table
}

fn figure(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn phases(phases: &[Phase]) -> Table {
    let mut table = table(&[
        "the honest client",
        "requests",
        "p50 ms",
        "p99 ms",
        "x calm",
        "orders p99",
        "looks p99",
        "longest",
        "failed",
        "MiB",
        "files",
    ]);
    let calm = phases.first().map_or(0.0, |calm| calm.shopping.all.p99);
    for phase in phases {
        let shopping = &phase.shopping;
        let all = shopping.all;
        table.add_row([
            Cell::new(&phase.name),
            figure(all.requests),
            figure(format!("{:.1}", all.p50)),
            figure(format!("{:.1}", all.p99)),
            figure(format!("{:.1}", all.p99 / calm)),
            figure(format!("{:.1}", shopping.orders.p99)),
            figure(format!("{:.1}", shopping.looks.p99)),
            figure(format!("{:.1}", all.max)),
            figure(shopping.failed()),
            figure(phase.worst.memory >> 20),
            figure(phase.worst.descriptors),
        ]);
    }
    table
}

fn attacks(phases: &[Phase]) -> Table {
    let mut table = table(&["phase", "attack", "what came of it"]);
    for phase in phases {
        for (attack, told) in &phase.told {
            let counts: Vec<_> =
                told.counts.iter().map(|(what, number)| format!("{what}: {number}")).collect();
            table.add_row([phase.name.as_str(), attack.name(), &counts.join("; ")]);
        }
    }
    table
}

/// Failures of the honest client, and wrong answers to attackers.
fn faults(phases: &[Phase]) -> impl Iterator<Item = String> {
    phases.iter().flat_map(|phase| {
        let failures = phase.shopping.failures.iter();
        let failures = failures
            .map(|(what, number)| format!("{}: honest requests, {what}: {number}", phase.name));
        let faults = phase.told.iter().flat_map(|(_, told)| &told.faults);
        failures.chain(faults.map(|fault| format!("{}: {fault}", phase.name)))
    })
}

fn bars(figures: &Figures) -> Table {
    let mut table = table(&["bar", "wanted", "found", ""]);
    for bar in &figures.bars {
        let verdict = match bar.is_met {
            true => Cell::new("met").fg(Color::Green),
            false => Cell::new("MISSED").fg(Color::Red),
        };
        table.add_row([Cell::new(&bar.what), figure(&bar.wanted), figure(&bar.found), verdict]);
    }
    table
}

//! What came of a soak: a table by the twelfths of its time, what it is held to, and two curves.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::gauge::Reading;
use super::tally::Answered;
use crate::faults::Count;

const PARTS: usize = 12;

/// By so much the last quarter may have more memory than the second, and be slower.
const MEMORY_GROWTH: f64 = 1.05;
const P99_GROWTH: f64 = 1.25;

/// Of what is wrong, so much is shown.
const SHOWN: usize = 20;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Points of a curve.
const POINTS: usize = 60;

pub struct Report {
    pub length: Duration,
    pub answers: Vec<Answered>,
    pub readings: Vec<Reading>,
    /// Before it and after it.
    pub rests: [Reading; 2],
    pub faults: Count,
    /// Where the database is not what was answered.
    pub discrepancies: Vec<String>,
    /// Answers that nobody should get.
    pub surprises: Vec<String>,
    pub audit: Option<String>,
    pub collisions: u64,
    pub is_stuck: bool,
}

/// Something that a soak is held to.
struct Bar {
    what: &'static str,
    wanted: String,
    found: String,
    is_met: bool,
}

/// A part of the soak's time.
struct Part {
    rate: f64,
    /// Milliseconds; of answers that no fault reached into, and of all.
    calm: Quantiles,
    all: Quantiles,
    memory_mib: f64,
    threads: u64,
    files: u64,
    connections: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Quantiles {
    p50: f64,
    p99: f64,
}

impl Report {
    /// Prints it, and says whether all is well.
    pub fn show(&self) -> bool {
        println!("\n{}\n", table(&self.parts(PARTS)));
        let points = self.parts(POINTS);
        println!("memory   {}", curve(points.iter().map(|part| part.memory_mib)));
        println!("calm p99 {}\n", curve(points.iter().map(|part| part.calm.p99)));
        let faults: Vec<_> =
            self.faults.iter().map(|(fault, times)| format!("{} {times}", fault.name())).collect();
        println!("faults: {}", faults.join(", "));
        let wrong = self.discrepancies.iter().chain(&self.surprises).chain(&self.audit);
        wrong.take(SHOWN).for_each(|wrong| println!("wrong: {wrong}"));
        let bars = self.bars();
        println!("\n{}", verdict(&bars));
        bars.iter().all(|bar| bar.is_met)
    }

    fn bars(&self) -> Vec<Bar> {
        let [second, last] = [1, 3].map(|quarter| self.part(quarter, 4));
        let [before, after] = self.rests;
        let most = |what, growth: f64, before: f64, after: f64, unit: &str| Bar {
            what,
            wanted: format!("<= {:.1} {unit}", before * growth),
            found: format!("{after:.1} {unit}"),
            is_met: after <= before * growth,
        };
        let kept = |what, before: u64, after: u64| Bar {
            what,
            wanted: format!("<= {before}"),
            found: after.to_string(),
            is_met: after <= before,
        };
        let none = |what, number: usize| kept(what, 0, number as u64);
        let (memory, p99) = (second.memory_mib, second.calm.p99);
        vec![
            most(
                "memory, last quarter (5% over the second)",
                MEMORY_GROWTH,
                memory,
                last.memory_mib,
                "MiB",
            ),
            most(
                "calm p99, last quarter (25% over the second)",
                P99_GROWTH,
                p99,
                last.calm.p99,
                "ms",
            ),
            kept("threads at rest, as before", before.threads, after.threads),
            kept("open files at rest, as before", before.files, after.files),
            kept("database connections at rest, as before", before.connections, after.connections),
            none("not in the database as it was answered", self.discrepancies.len()),
            none("answers that nobody should get", self.surprises.len()),
            none("faults that the audit finds", usize::from(self.audit.is_some())),
            none("transactions that collided", self.collisions as usize),
            none("minutes without a sale", usize::from(self.is_stuck)),
        ]
    }

    /// So many equal parts of it.
    fn parts(&self, count: usize) -> Vec<Part> {
        (0..count).map(|part| self.part(part, count)).collect()
    }

    /// Number `which`, from 0, of so many equal parts.
    fn part(&self, which: usize, of: usize) -> Part {
        let share = |index: usize| self.length.mul_f64(index as f64 / of as f64);
        let time = share(which)..share(which + 1);
        let answers =
            self.answers.iter().filter(|answer| time.contains(&Duration::from_micros(answer.at)));
        let readings = || self.readings.iter().filter(|reading| time.contains(&reading.at));
        let most = |of: fn(&Reading) -> u64| readings().map(of).max().unwrap_or_default();
        let memory: u64 = readings().map(|reading| reading.memory).sum();
        let (calm, disturbed): (Vec<&Answered>, _) = answers.partition(|answer| answer.is_calm);
        Part {
            rate: (calm.len() + disturbed.len()) as f64 / (time.end - time.start).as_secs_f64(),
            calm: quantiles(calm.iter().copied()),
            all: quantiles(calm.iter().chain(&disturbed).copied()),
            memory_mib: memory as f64 / readings().count().max(1) as f64 / 1024.0,
            threads: most(|reading| reading.threads),
            files: most(|reading| reading.files),
            connections: most(|reading| reading.connections),
        }
    }
}

fn quantiles<'a>(answers: impl Iterator<Item = &'a Answered>) -> Quantiles {
    let mut took: Vec<u32> = answers.map(|answer| answer.took).collect();
    took.sort_unstable();
    let quantile = |share: f64| {
        let index = (took.len() as f64 * share) as usize;
        took.get(index.min(took.len().saturating_sub(1))).map_or(0.0, |took| f64::from(*took) / 1e3)
    };
    Quantiles { p50: quantile(0.5), p99: quantile(0.99) }
}

fn table(parts: &[Part]) -> Table {
    let mut table = rows(&[
        "twelfth",
        "answers a second",
        "calm p50, ms",
        "calm p99, ms",
        "p99 of all, ms",
        "memory, MiB",
        "threads",
        "files",
        "database connections",
    ]);
    for (number, part) in parts.iter().enumerate() {
        table.add_row([
            (number + 1).to_string(),
            format!("{:.0}", part.rate),
            format!("{:.2}", part.calm.p50),
            format!("{:.1}", part.calm.p99),
            format!("{:.0}", part.all.p99),
            format!("{:.1}", part.memory_mib),
            part.threads.to_string(),
            part.files.to_string(),
            part.connections.to_string(),
        ]);
    }
    right(table)
}

fn verdict(bars: &[Bar]) -> Table {
    let mut table = rows(&["", "wanted", "found", ""]);
    for bar in bars {
        let met = if bar.is_met { "met" } else { "MISSED" };
        table.add_row([bar.what, &bar.wanted, &bar.found, met]);
    }
    right(table)
}

fn rows(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(head.iter().copied());
    table
}

fn right(mut table: Table) -> Table {
    let columns = table.column_iter_mut().skip(1);
    columns.for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// As a line of blocks, from nothing up to the highest point, which is named.
fn curve(points: impl Iterator<Item = f64> + Clone) -> String {
    let highest = points.clone().fold(f64::MIN_POSITIVE, f64::max);
    let block = |point: f64| {
        let height = point / highest * (BLOCKS.len() - 1) as f64;
        BLOCKS[height.round() as usize]
    };
    format!("{} up to {highest:.1}", points.map(block).collect::<String>())
}

//! What came of a run, as tables; and what is left of one that found something.

use std::fmt;
use std::io::{BufWriter, Write};
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::checker::{self, Violation};
use crate::facts;
use crate::fleet::{Fleet, PATIENCE};
use crate::history::{Facts, History, Outcome};
use crate::machine::Machine;

/// More violations than this are counted, not shown.
const SHOWN: usize = 20;

/// A standby that took over, or should have.
pub struct Promotion {
    pub round: usize,
    pub old: Machine,
    /// Who is the primary now, as the monitor sees it.
    pub new: Option<Machine>,
    pub is_partition: bool,
    /// After the primary was lost.
    pub first_sale: Option<Duration>,
}

impl Promotion {
    pub fn is_done(&self) -> bool {
        self.first_sale.is_some() && self.new.is_some_and(|new| new != self.old)
    }
}

impl fmt::Display for Promotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = if self.is_partition { "partitioned" } else { "killed" };
        let sold = shown(self.first_sale);
        let new = self.new.map_or("nobody".to_owned(), |new| format!("machine {}", new.0));
        let Self { round, old, .. } = self;
        write!(
            f,
            "{round:>3}  machine {} {fault:<11}  {new} is the primary  first sale {sold}",
            old.0
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Killed,
    Partitioned,
}

/// A node that was lost for a while.
pub struct Loss {
    pub round: usize,
    pub fault: Fault,
    pub node: Machine,
    /// After it was lost, at any node.
    pub first_sale: Option<Duration>,
    pub lasted: Duration,
    /// How long it took to have what the others have, once it was there again.
    pub back: Duration,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, fault, node, lasted, back, .. } = self;
        let (fault, sold) = (format!("{fault:?}").to_lowercase(), shown(self.first_sale));
        let lasted = lasted.as_secs_f64();
        let back = back.as_secs_f64();
        write!(f, "{round:>3}  machine {} {fault:<11}  first sale {sold}", node.0)?;
        write!(f, "  gone for {lasted:.1} s  synced after {back:.1} s")
    }
}

fn shown(time: Option<Duration>) -> String {
    time.map_or("never".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
}

/// How soon the shop sold again.
pub fn promotions(done: &[Promotion]) -> Table {
    let of = |is_partition: bool| {
        let meant = done.iter().filter(move |one| one.is_partition == is_partition);
        meant.filter_map(|one| one.first_sale).collect()
    };
    summary("promotions", &[("primary killed", of(false)), ("primary partitioned", of(true))])
}

pub fn losses(done: &[Loss]) -> Table {
    let of = |fault: Fault| {
        done.iter().filter(|one| one.fault == fault).filter_map(|one| one.first_sale).collect()
    };
    summary(
        "losses",
        &[("node killed", of(Fault::Killed)), ("node partitioned", of(Fault::Partitioned))],
    )
}

fn summary(what: &str, rows: &[(&str, Vec<Duration>)]) -> Table {
    let mut table = plain();
    table.set_header(["", what, "first sale after: shortest", "median", "longest"]);
    for (name, times) in rows.iter().filter(|(_, times)| !times.is_empty()) {
        let mut times = times.clone();
        times.sort();
        let median = times.get(times.len() / 2).copied();
        let cells = [times.first().copied(), median, times.last().copied()].map(shown);
        table.add_row([(*name).to_owned(), times.len().to_string()].into_iter().chain(cells));
    }
    right(table)
}

pub struct Report {
    took: Duration,
    history: History,
    facts: Facts,
    violations: Vec<Violation>,
    audit: Option<String>,
}

impl Report {
    /// Holds the history against the database.
    pub fn of(fleet: &Fleet, history: History, took: Duration) -> Self {
        println!("{} requests, and now the check", history.operations.len());
        let facts = facts::gather(&fleet.database);
        let violations = checker::check(&history, &facts, PATIENCE.as_micros() as u64);
        Self { took, history, facts, violations, audit: fleet.audit() }
    }

    /// Prints all of it, keeps the history if anything was found, and tells whether nothing was.
    pub fn show(self, cluster: &str, seed: u64) -> bool {
        let History { operations, reads, surprises } = &self.history;
        self.violations.iter().take(SHOWN).for_each(|one| println!("violation: {one}"));
        surprises.iter().take(SHOWN).for_each(|one| println!("nobody should get: {one}"));
        self.audit.iter().for_each(|audit| println!("the audit found:\n{audit}"));
        let is_good = self.violations.is_empty() && surprises.is_empty() && self.audit.is_none();
        let orders = || operations.iter().filter(|operation| operation.ask.is_order());
        let acknowledged = orders().filter(|order| order.granted().is_some()).count();
        let attempts = || operations.iter().flat_map(|operation| &operation.attempts);
        let sendings = |outcome: Outcome| attempts().filter(|one| one.outcome == outcome).count();
        let longest = attempts().map(|one| one.ended - one.sent).max().unwrap_or_default();
        let is_lost = |violation: &&Violation| matches!(violation, Violation::Lost { .. });
        let mut table = plain();
        for (what, number) in [
            ("seconds", self.took.as_secs() as usize),
            ("orders acknowledged", acknowledged),
            ("acknowledged and lost", self.violations.iter().filter(is_lost).count()),
            ("orders sent more than once", orders().filter(|one| one.attempts.len() > 1).count()),
            (
                "requests sent again though granted",
                operations.iter().filter(|one| one.is_repeated()).count(),
            ),
            ("other requests", operations.len() - orders().count()),
            ("looks at a book", reads.len()),
            ("sendings of unknown outcome", sendings(Outcome::Unknown)),
            ("sendings turned away", sendings(Outcome::Dropped)),
            ("answers that nobody should get", surprises.len()),
            ("longest wait for an answer, ms", longest as usize / 1_000),
            ("orders in the database", self.facts.orders.len()),
            ("violations", self.violations.len()),
        ] {
            table.add_row([what.to_owned(), number.to_string()]);
        }
        println!("\n{cluster}, seed {seed}\n{}", right(table));
        if !is_good {
            println!("kept: {}", self.keep(cluster, seed));
        }
        is_good && acknowledged > 0
    }

    /// Writes down what was wrong, and all that was asked and answered. Not into the folder for temporary
    /// files, which goes with the machines.
    fn keep(&self, cluster: &str, seed: u64) -> String {
        let path = format!("/tmp/bookstore-clusters-{cluster}-{seed}.txt");
        let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
        let Self { history, facts, violations, .. } = self;
        let mut write = |one: &dyn fmt::Debug| writeln!(file, "{one:?}").unwrap();
        violations.iter().for_each(|one| write(one));
        history.surprises.iter().for_each(|one| write(one));

        history.operations.iter().for_each(|one| write(one));
        history.reads.iter().for_each(|one| write(one));
        for (book, movements) in &facts.movements {
            movements.iter().for_each(|one| write(&(book, one)));
        }
        path
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table
}

fn right(mut table: Table) -> Table {
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

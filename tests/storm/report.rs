//! What came of a storm, as a table; and what is left of one that found something.

use std::fmt::Debug;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use crate::checker::Violation;
use crate::faults::{Count, Fault};
use crate::history::{Facts, History, Micros, Operation, Outcome};
use crate::kit::Backend;
use crate::watch::Strike;

/// More violations than this are counted, not shown.
const SHOWN: usize = 20;

pub struct Report {
    pub backend: Backend,
    pub seed: u64,
    /// The command that repeats it.
    pub again: String,
    pub took: Duration,
    pub history: History,
    pub strikes: Vec<Strike>,
    pub faults: Count,
    pub aftermath: Aftermath,
    /// Nothing was sold any more.
    pub is_stuck: bool,
    /// Something of the storm itself failed, and said so.
    pub is_broken: bool,
}

/// What was found when it was over.
#[derive(Debug, Default)]
pub struct Aftermath {
    pub facts: Facts,
    pub violations: Vec<Violation>,
    /// What the audit found.
    pub audit: Option<String>,
    /// Transactions that met another where they should have waited.
    pub collisions: u64,
}

/// What is told of a storm when its history is gone.
pub struct Figures {
    backend: Backend,
    numbers: Vec<(String, u64)>,
    pub is_good: bool,
}

impl Report {
    /// Prints what was found, and keeps the history if that was anything.
    pub fn show(self) -> Figures {
        let Aftermath { violations, audit, collisions, .. } = &self.aftermath;
        list("violations", violations);
        list("answers that nobody should get", &self.history.surprises);
        if let Some(audit) = audit {
            println!("the audit found:\n{audit}");
        }
        if *collisions > 0 {
            println!("{collisions} transactions collided: somebody writes without the lock");
        }
        if self.is_stuck {
            println!("the shop is stuck: it sold nothing for a minute");
        }
        if self.is_broken {
            println!("the storm broke off, as was said above: not all of it was checked");
        }
        let is_good = violations.is_empty()
            && self.history.surprises.is_empty()
            && audit.is_none()
            && *collisions == 0
            && !self.is_stuck
            && !self.is_broken;
        if !is_good {
            println!("kept: {}\nagain: {}", self.keep().display(), self.again);
        }
        let numbers = self.numbers();
        // A storm in which nothing was sold has shown nothing.
        let is_good = is_good && self.acknowledged() > 0;
        Figures { backend: self.backend, numbers, is_good }
    }

    fn orders(&self) -> impl Iterator<Item = &Operation> {
        self.history.operations.iter().filter(|operation| operation.ask.is_order())
    }

    fn acknowledged(&self) -> usize {
        self.orders().filter(|order| order.granted().is_some()).count()
    }

    fn numbers(&self) -> Vec<(String, u64)> {
        let of = |is_meant: &dyn Fn(&Operation) -> bool| {
            self.orders().filter(|order| is_meant(order)).count() as u64
        };
        let attempts = || self.history.operations.iter().flat_map(|operation| &operation.attempts);
        let sendings =
            |outcome: Outcome| attempts().filter(|one| one.outcome == outcome).count() as u64;
        let waits = attempts().map(|one| one.ended - one.sent);
        let looks = self.history.reads.iter().map(|read| read.ended - read.sent);
        let longest: Micros = waits.chain(looks).max().unwrap_or_default();
        let repeated = self.history.operations.iter().filter(|one| one.is_repeated()).count();
        let all = self.history.operations.len();
        let mut numbers = vec![
            ("seconds", self.took.as_secs()),
            ("orders acknowledged", self.acknowledged() as u64),
            ("orders refused", of(&Operation::is_refused)),
            (
                "orders never answered (sent once, without a key)",
                of(&|one| !one.is_refused() && one.granted().is_none()),
            ),
            ("orders sent more than once", of(&|order| order.attempts.len() > 1)),
            ("requests sent again though granted", repeated as u64),
            ("other requests", (all - self.orders().count()) as u64),
            ("looks at a book", self.history.reads.len() as u64),
            ("sendings of unknown outcome", sendings(Outcome::Unknown)),
            ("sendings turned away", sendings(Outcome::Dropped)),
            ("longest wait for an answer, ms", longest / 1_000),
            ("orders in the database", self.aftermath.facts.orders.len() as u64),
        ]
        .into_iter()
        .map(|(what, number)| (what.to_owned(), number))
        .collect::<Vec<_>>();
        let done = |fault: Fault| self.faults.get(&fault).copied().unwrap_or_default() as u64;
        numbers.extend(Fault::all().map(|fault| (format!("fault: {}", fault.name()), done(fault))));
        numbers.push(("collided transactions".to_owned(), self.aftermath.collisions));
        numbers.push(("violations".to_owned(), self.aftermath.violations.len() as u64));
        numbers
    }

    /// Writes down everything that was seen.
    fn keep(&self) -> PathBuf {
        let name = format!("bookstore-storm-{}-{}.txt", self.backend, self.seed);
        let path = std::env::temp_dir().join(name);
        let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
        let Self { history, strikes, faults, aftermath, .. } = self;
        let Aftermath { facts, violations, .. } = aftermath;
        let mut write = |one: &dyn Debug| writeln!(file, "{one:?}").unwrap();
        violations.iter().for_each(|one| write(one));
        write(faults);
        strikes.iter().for_each(|one| write(one));
        history.surprises.iter().for_each(|one| write(one));
        history.operations.iter().for_each(|one| write(one));
        history.reads.iter().for_each(|one| write(one));
        facts.orders.iter().for_each(|one| write(one));
        facts.entries.iter().for_each(|one| write(one));
        for (book, movements) in &facts.movements {
            movements.iter().for_each(|one| write(&(book, one)));
        }
        write(&facts.quantities);
        path
    }
}

/// One column for each storm, and one for all of them.
pub fn table(storms: &[Figures]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let names = storms.iter().map(|storm| storm.backend.to_string());
    let total = (storms.len() > 1).then(|| "in all".to_owned());
    table.set_header(std::iter::once(String::new()).chain(names).chain(total.clone()));
    let whats = storms.first().map_or(&[][..], |storm| &storm.numbers);
    for (row, (what, _)) in whats.iter().enumerate() {
        let numbers: Vec<u64> = storms.iter().map(|storm| storm.numbers[row].1).collect();
        let sum = match what.starts_with("longest") {
            true => numbers.iter().copied().max().unwrap_or_default(),
            false => numbers.iter().sum(),
        };
        let sum = total.is_some().then(|| sum.to_string());
        let numbers = numbers.iter().map(u64::to_string).chain(sum);
        table.add_row(std::iter::once(what.clone()).chain(numbers));
    }
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn list(title: &str, found: &[impl Debug]) {
    if found.is_empty() {
        return;
    }
    println!("{title}: {}", found.len());
    for one in found.iter().take(SHOWN) {
        println!("    {one:?}");
    }
}

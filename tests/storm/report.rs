//! What came of a storm, as a table; and what is left of one that found something.

use std::fmt::Debug;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::checker::Violation;
use crate::faults::Count;
use crate::history::{Ask, Facts, History, Operation};
use crate::kit::Backend;
use crate::settings::Settings;

/// More violations than this are counted, not shown.
const SHOWN: usize = 20;

pub struct Report {
    pub backend: Backend,
    pub seed: u64,
    pub history: History,
    pub facts: Facts,
    pub faults: Count,
    pub violations: Vec<Violation>,
    /// What the audit found.
    pub audit: Option<String>,
}

impl Report {
    /// Prints it. Good if nothing was found, and something was sold.
    pub fn show(&self, settings: &Settings) -> bool {
        println!("{}", self.table());
        let History { surprises, .. } = &self.history;
        list("violations", &self.violations);
        list("answers that nobody should get", surprises);
        if let Some(audit) = &self.audit {
            println!("the audit found:\n{audit}");
        }
        let is_good = self.violations.is_empty() && surprises.is_empty() && self.audit.is_none();
        if !is_good {
            let seed = self.seed;
            println!("kept: {}", self.keep().display());
            println!(
                "again: scripts/storm --backend {} --seconds {} --clients {} --servers {} --seed {seed}",
                self.backend, settings.seconds, settings.clients, settings.servers
            );
        }
        // A storm in which nothing was sold has shown nothing.
        is_good && self.acknowledged() > 0
    }

    fn acknowledged(&self) -> usize {
        self.orders().filter(|order| order.granted().is_some()).count()
    }

    fn orders(&self) -> impl Iterator<Item = &Operation> {
        let operations = self.history.operations.iter();
        operations.filter(|operation| matches!(operation.ask, Ask::Order { .. }))
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(NOTHING);
        let refused = self.orders().filter(|order| order.is_refused()).count();
        let retried = self.orders().filter(|order| order.attempts.len() > 1).count();
        let unknown = self.orders().count() - self.acknowledged() - refused;
        let mut row = |what: &str, count: usize| {
            table.add_row([what.to_owned(), count.to_string()]);
        };
        row("orders acknowledged", self.acknowledged());
        row("orders refused", refused);
        row("orders sent more than once", retried);
        row("orders never answered", unknown);
        row("other requests", self.history.operations.len() - self.orders().count());
        row("looks at a book", self.history.reads.len());
        row("orders in the database", self.facts.orders.len());
        for (fault, count) in &self.faults {
            row(&format!("fault: {fault:?}"), *count);
        }
        row("violations", self.violations.len());
        table
    }

    /// Writes down everything that was seen.
    fn keep(&self) -> PathBuf {
        let name = format!("bookstore-storm-{}-{}.txt", self.backend, self.seed);
        let file = std::env::temp_dir().join(name);
        let Self { history, facts, faults, violations, .. } = self;
        let all = format!("{violations:#?}\n{faults:#?}\n{history:#?}\n{facts:#?}\n");
        std::fs::write(&file, all).unwrap();
        file
    }
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

//! `bookstore audit`: the promise, checked.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};

use bookstore::store::audit::{self, Counts, Finding};
use bookstore::store::{Error, Store};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Failure, Format};

/// Check that the number of copies is right, everywhere
///
/// Checks by SQL alone that every ledger is without a gap, that every quantity is what its ledger
/// says, that every order's total is the sum over its lines, that nothing is negative, and more; and
/// names each book and order that is wrong. It only reads, and may run while the store sells.
///
/// Exit code: 0 all is right, 1 something is wrong, 2 the audit could not be done.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Audit {
    /// How to write what was found
    #[arg(long, default_value = "table")]
    format: Format,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore audit
  bookstore audit --format json                for programs";

pub(super) fn run(store: &Store, args: &Audit) -> Result<bool, Failure> {
    let bar = progress_bar();
    let mut findings: Vec<Finding> = Vec::new();
    let (counts, warnings) = store.read(store.deadline(), |connection| {
        bar.reset();
        findings.clear();
        let counts = audit::counts(connection)?;
        let mut warnings = audit::durability_warnings(connection)?;
        warnings.extend(audit::overdue_warning(connection)?);
        audit::run(
            connection,
            |invariant| {
                bar.set_message(invariant);
                bar.inc(1);
            },
            |finding| findings.push(finding),
        )?;
        Ok::<_, Error>((counts, warnings))
    })?;
    bar.finish_and_clear();
    match args.format {
        Format::Json => {
            let report = json!({
                "ok": findings.is_empty(),
                "backend": store.backend(),
                "books": counts.books,
                "orders": counts.orders,
                "movements": counts.movements,
                "findings": findings,
                "warnings": warnings,
            });
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&report)?)?;
        }
        Format::Table => print(store, &findings, &warnings, counts)?,
    }
    Ok(findings.is_empty())
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("auditing {wide_bar} {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(audit::INVARIANTS.len() as u64).with_style(style)
}

fn print(
    store: &Store,
    findings: &[Finding],
    warnings: &[String],
    counts: Counts,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut wrong = BTreeMap::<&str, usize>::new();
    for finding in findings {
        *wrong.entry(finding.invariant).or_default() += 1;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["invariant", "what must hold", "wrong"]);
    for invariant in &audit::INVARIANTS {
        let count = wrong.get(invariant.slug).copied().unwrap_or_default();
        table.add_row([invariant.slug, invariant.claim, &count.to_string()]);
    }
    writeln!(out, "{table}")?;
    if !findings.is_empty() {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["invariant", "book", "movement", "order or entry", "what is wrong"]);
        for finding in findings {
            let number = |number: Option<i64>| number.map_or_else(String::new, |n| n.to_string());
            let origin = finding.order_id.or(finding.entry_id);
            table.add_row([
                finding.invariant.to_owned(),
                number(finding.book_id),
                number(finding.seq),
                origin.map_or_else(String::new, |id| id.to_string()),
                finding.detail.clone(),
            ]);
        }
        writeln!(out, "{table}")?;
    }
    for warning in warnings {
        writeln!(out, "warning: {warning}")?;
    }
    let Counts { books, orders, movements } = counts;
    let verdict = match findings.len() {
        0 => "all is right".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        count => format!("{count} things are wrong"),
    };
    let backend = store.backend().name();
    writeln!(out, "{backend}: {books} books, {orders} orders, {movements} movements: {verdict}")
}

//! `bookstore import`: a catalogue file goes in, and what stays out is said.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use bookstore::catalogue::{self, NamedColumn, Options, Progress, Rejected, Report};
use bookstore::domain::{Counted, Price};
use bookstore::store::Store;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use super::Format;

/// Import a catalogue from a CSV file
///
/// The file is in UTF-8; its first line names the columns, which may be separated by commas,
/// semicolons or tabs. Known names are isbn, isbn10, isbn13 or ean; title, original_title or name;
/// author or authors; price, list_price or price_minor; quantity, stock or copies - in any case and
/// with any spaces, hyphens and underscores. The ISBN, title and author are needed; --column says
/// what other columns hold.
///
/// A price is a decimal amount in the currency's major unit (12.99 is stored as 1299) without a
/// currency sign; in a column price_minor it is a whole number of minor units. Take that one if the
/// currency has no hundredths.
///
/// Books that are there already are left alone; quantities are never changed. A row goes in only if
/// its ISBN is certain, also if a spreadsheet dropped the leading zeros of an ISBN-10. Rows that
/// stay out are written to a CSV with their line and the reason. The same file may be imported
/// again, also after an interruption: nothing is doubled.
///
/// Exit code: 0 all rows are in, 1 some were rejected, 2 the file can't be used.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Import {
    /// The CSV file
    pub(crate) file: PathBuf,

    /// Price in minor units (cents) of a new book whose row has none
    ///
    /// With 0 such books cost nothing until they are edited; the report says how many there are.
    #[arg(long, value_name = "MINOR", default_value = "0", value_parser = price, allow_negative_numbers = true)]
    pub(crate) default_price: Price,

    /// Copies of a new book whose row says none
    #[arg(long, value_name = "N", default_value = "0", value_parser = quantity, allow_negative_numbers = true)]
    pub(crate) default_quantity: Counted,

    /// What a column holds, for instance title="Name of the book"; may be given several times
    ///
    /// NAME is one of isbn, isbn13, title, author, price, quantity; HEADER is the column's name in
    /// the first line of the file.
    #[arg(long = "column", value_name = "NAME=HEADER")]
    pub(crate) columns: Vec<NamedColumn>,

    /// Make title, author and price of books that are there what the file says; never the quantity
    #[arg(long)]
    pub(crate) update: bool,

    /// Where rejected rows go [default: NAME.rejects.csv in the working directory for NAME.csv]
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,

    /// How the report looks
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    pub(crate) format: Format,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore import books.csv --default-price 1299 --default-quantity 5
  bookstore import books.csv --column title='Name of the book' --column price=RRP
  bookstore import books.csv --update          prices have changed";

fn price(text: &str) -> Result<Price, String> {
    let hint = "a whole number of minor units, for instance 1299";
    let number = text.parse().map_err(|_| format!("must be {hint}"))?;
    Price::parse(number).map_err(|error| error.to_string())
}

fn quantity(text: &str) -> Result<Counted, String> {
    let number = text.parse().map_err(|_| "must be a whole number, for instance 5".to_owned())?;
    Counted::parse(number).map_err(|error| error.to_string())
}

/// Imports the file, prints the report, and tells whether all rows are in.
///
/// # Errors
/// If the file can't be used, or the database fails.
pub(crate) fn run(store: &Store, args: &Import) -> Result<bool, Box<dyn Error>> {
    let options = Options {
        default_price: Some(args.default_price),
        default_quantity: args.default_quantity,
        columns: args.columns.clone(),
        update_existing: args.update,
        rejects: args.rejects.clone(),
    };
    let bar = progress_bar();
    let show = |Progress { read, length }| {
        bar.set_length(length);
        bar.set_position(read);
    };
    let outcome = catalogue::import(store, &args.file, &options, show);
    bar.finish_and_clear();
    let report = outcome?;
    let text = match args.format {
        Format::Json => serde_json::to_string(&report)?,
        Format::Table => table(&report),
    };
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(report.rejected == 0)
}

/// A bar on standard error if a person watches it, else one that nobody sees.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {bytes}/{total_bytes} {elapsed}, {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

/// The report for people.
fn table(report: &Report) -> String {
    let mut counts = Table::new();
    counts.load_preset(presets::UTF8_FULL_CONDENSED).set_header(["import", &report.file]);
    for (name, count) in [
        ("rows", report.rows),
        ("imported", report.imported),
        ("updated", report.updated),
        ("there already", report.existing),
        ("rejected", report.rejected),
        ("imported at the default price", report.unpriced),
    ] {
        counts.add_row([name, &count.to_string()]);
    }
    match &report.rejects_file {
        None => counts.to_string(),
        Some(file) => format!(
            "{counts}\n\n{}\n\nRejected rows, with line and reason, are in {file}",
            rejected(report.rejected, &report.first_rejects),
        ),
    }
}

fn rejected(all: u64, shown: &[Rejected]) -> String {
    let mut rows = Table::new();
    rows.load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["line", "rejected because"]);
    for row in shown {
        rows.add_row([&row.line.to_string(), &row.reason]);
    }
    match all.saturating_sub(shown.len() as u64) {
        0 => rows.to_string(),
        more => format!("{rows}\n... and {more} more"),
    }
}

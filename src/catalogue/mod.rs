//! Catalogues from files: what a CSV says becomes books, and what is not certain is said.
//!
//! Here are the reading and the judging of rows; what becomes of the books is decided by
//! [`store::intake`]. `recovery` says which ISBN a dirty row means.

mod amounts;
mod columns;
mod error;
mod recovery;
mod rejects;
mod report;
mod row;
pub mod sample;
mod source;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use uuid::Uuid;

use columns::Columns;
pub use columns::{BadColumns, Field, NamedColumn};
pub use error::ImportError;
use rejects::Rejects;
pub use report::{Progress, Rejected, Report};
use row::Flaw;
use source::Source;

use crate::domain::limits::MAX_REFERENCE;
use crate::domain::{Counted, EntryId, Isbn, NewEntry, Price, Reference, Request, RequestHash};
use crate::store::intake::{self, Arrival, Fate, Portion};
use crate::store::{self, AnyConnection, Store, clients};

/// Books in one transaction where books that are there change, at most: their buyers wait. They wait for none
/// of those that are new.
const UPDATES_AT_ONCE: usize = 500;

/// Rows after which the progress is told.
const ROWS_A_STEP: u64 = 100;

/// Rejected rows that the report shows; all of them are in the rejects file.
const SHOWN: usize = 10;

/// What to make of a file.
#[derive(Debug, Clone)]
pub struct Options {
    /// Price of a new book for which the file says none. Without it such a row is rejected.
    pub default_price: Option<Price>,
    /// Copies of a new book for which the file says none.
    pub default_quantity: Counted,
    /// What columns hold whose headers don't say.
    pub columns: Vec<NamedColumn>,
    /// Whether title, author and price of a book that is there become what the file says.
    pub update_existing: bool,
    /// Where rejected rows go; `books.rejects.csv` in the working directory for `books.csv` if not
    /// said.
    pub rejects: Option<PathBuf>,
}

/// Imports a CSV file: books that are new enter the catalogue with their first copies, all of one
/// file under one stock entry. It may be interrupted and run again; nothing is doubled.
///
/// # Errors
/// [`ImportError`]. What can be known of the file and of its rejects is found out before anything
/// is imported. After that the file, the rejects (a full disk) or the database may still fail:
/// what was committed stays.
pub fn import(
    store: &Store,
    file: &Path,
    options: &Options,
    mut progress: impl FnMut(Progress),
) -> Result<Report, ImportError> {
    let mut source = Source::open(file)?;
    let columns = Columns::find(&source.names(), &options.columns)
        .map_err(|error| ImportError::Columns { file: source.file().to_owned(), error })?;
    let rejects = Rejects::prepare(file, source.header(), options.rejects.as_deref())?;
    let mut run = Run {
        intake: Intake::new(store, &file_name(file), options.update_existing),
        rejects,
        lines: HashMap::new(),
        waiting: Vec::new(),
        portion: Portion::default(),
        report: Report { file: source.file().to_owned(), ..Report::default() },
    };
    let width = source.header().len();
    let mut row = ByteRecord::new();
    while let Some(line) = source.next(&mut row)? {
        run.report.rows += 1;
        match row::read(&columns, options, width, &row).and_then(|arrival| run.first(line, arrival))
        {
            Ok(arrival) => run.wait(arrival),
            Err(flaw) => run.reject(line, &flaw, &row)?,
        }
        if run.is_enough() {
            run.take_in()?;
        }
        if run.report.rows.is_multiple_of(ROWS_A_STEP) {
            let (read, length) = source.progress();
            progress(Progress { read, length });
        }
    }
    run.take_in()?;
    run.report.rejects_file = run.rejects.finish()?;
    Ok(run.report)
}

/// The name of the file without its folders.
fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// An import under way.
struct Run<'a> {
    intake: Intake<'a>,
    rejects: Rejects,
    /// On which line each ISBN was taken.
    lines: HashMap<Isbn, u64>,
    waiting: Vec<Arrival>,
    /// How much those are.
    portion: Portion,
    report: Report,
}

impl Run<'_> {
    /// Lets the first arrival of an ISBN pass.
    fn first(&mut self, line: u64, arrival: Arrival) -> Result<Arrival, Flaw> {
        let isbn = arrival.new.isbn;
        match self.lines.get(&isbn) {
            Some(&line) => Err(Flaw::Duplicate { isbn, line }),
            None => {
                self.lines.insert(isbn, line);
                Ok(arrival)
            }
        }
    }

    fn wait(&mut self, arrival: Arrival) {
        self.portion.add(arrival.new.title.as_str().len() + arrival.new.author.as_str().len());
        self.waiting.push(arrival);
    }

    /// Whether those who wait should wait no longer.
    fn is_enough(&self) -> bool {
        let is_full = self.intake.update_existing && self.waiting.len() >= UPDATES_AT_ONCE;
        is_full || self.portion.is_full()
    }

    fn reject(&mut self, line: u64, flaw: &Flaw, row: &ByteRecord) -> Result<(), ImportError> {
        let reason = flaw.to_string();
        self.rejects.add(line, &reason, row)?;
        self.report.rejected += 1;
        if self.report.first_rejects.len() < SHOWN {
            self.report.first_rejects.push(Rejected { line, reason });
        }
        Ok(())
    }

    fn take_in(&mut self) -> Result<(), ImportError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let fates = self
            .intake
            .take_in(&self.waiting)
            .map_err(|error| ImportError::Store { error, done: self.report.imported })?;
        for (fate, arrival) in fates.into_iter().zip(&self.waiting) {
            self.report.count(fate);
            self.report.unpriced +=
                u64::from(fate == Fate::Imported && arrival.edit.price.is_none());
        }
        self.waiting.clear();
        self.portion = Portion::default();
        Ok(())
    }
}

/// Brings books into the store, in as many transactions as it takes, under one stock entry.
struct Intake<'a> {
    store: &'a Store,
    entry_id: EntryId,
    reference: Option<Reference>,
    hash: RequestHash,
    update_existing: bool,
}

impl<'a> Intake<'a> {
    fn new(store: &'a Store, name: &str, update_existing: bool) -> Self {
        let short: String = on_one_line(name).chars().take(MAX_REFERENCE).collect();
        Self {
            store,
            entry_id: EntryId(Uuid::now_v7()),
            // A name that makes no reference is no reason to refuse the file.
            reference: Reference::parse(&short).ok(),
            hash: RequestHash::of(&[b"import", name.as_bytes()]),
            update_existing,
        }
    }

    fn take_in(&self, arrivals: &[Arrival]) -> Result<Vec<Fate>, store::Error> {
        self.store.transaction(|connection: &mut AnyConnection| {
            let entry = NewEntry {
                id: self.entry_id,
                request: Request {
                    client: clients::command_line(connection)?,
                    key: None,
                    hash: self.hash,
                },
                reference: self.reference.clone(),
            };
            intake::take_in(connection, &entry, arrivals, self.update_existing)
        })
    }
}

/// Text with every run of spaces and line breaks made one space: a cell may have lines, a title has
/// not.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

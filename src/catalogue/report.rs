//! What an import tells: while it runs, and in the end.

use serde::Serialize;

use crate::store::intake::Fate;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that were read.
    pub read: u64,
    /// Bytes of the file.
    pub length: u64,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file, as it was given.
    pub file: String,
    /// Rows after the header. Each is counted in one of the next four.
    pub rows: u64,
    /// Books that are new.
    pub imported: u64,
    /// Books that were there and were changed.
    pub updated: u64,
    /// Books that were there and were left as they are.
    pub existing: u64,
    /// Rows that stayed out.
    pub rejected: u64,
    /// Of those imported the ones whose row had no price: they have the default one.
    pub unpriced: u64,
    /// Where they are, if there are any.
    pub rejects_file: Option<String>,
    /// The first few of them.
    #[serde(skip)]
    pub first_rejects: Vec<Rejected>,
}

impl Report {
    pub(super) fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Imported => self.imported += 1,
            Fate::Updated => self.updated += 1,
            Fate::Existing => self.existing += 1,
        }
    }
}

/// A row that stayed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The line of the file that it starts on; the header is on line 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

//! What can go wrong with a whole file. What is wrong with a row is said in the report.

use std::io;

use super::BadColumns;
use crate::store;

/// Why a file can't be used, or was not used to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file can't be read.
    #[error("cannot read {file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        error: io::Error,
    },
    /// There is not even a header.
    #[error("{file} is empty; its first line must name the columns")]
    Empty {
        /// The file.
        file: String,
    },
    /// The header is in some other encoding.
    #[error("{file} is not UTF-8; save it as CSV in UTF-8")]
    NotUtf8 {
        /// The file.
        file: String,
    },
    /// It is not clear which column holds what.
    #[error("cannot use {file}: {error}")]
    Columns {
        /// The file.
        file: String,
        /// Which, and what helps.
        error: BadColumns,
    },
    /// Rejected rows can't be written.
    #[error("cannot write rejected rows to {file}: {error}; --rejects FILE names another place")]
    Rejects {
        /// The file of rejects.
        file: String,
        /// What the system says.
        error: io::Error,
    },
    /// The database failed. What was committed before stays, and is found there by the next import.
    #[error(
        "{error}; {done} books were new until then and are in, import the file again for the others"
    )]
    Store {
        /// What the store says.
        error: store::Error,
        /// Books that are in.
        done: u64,
    },
}

//! Why somebody who stood in line was not served.

use crate::domain::Refusal;
use crate::store;

/// Why an order was not placed, or a book not shown. Nothing was sold, but for [`Error::Lost`] and a
/// store that was lost in the middle of a commit: there the same key finds out, and sells once.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// As many wait as may.
    #[error("too many are waiting")]
    Full,
    /// Its turn did not come before its deadline.
    #[error("its turn did not come in time")]
    Late,
    /// The service is stopping.
    #[error("the till is closed")]
    Closed,
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
    /// A defect of the service: serving it panicked.
    #[error("serving it failed")]
    Defect,
    /// The worker did not answer: its database hangs, or it died.
    #[error("the till did not answer")]
    Lost,
}

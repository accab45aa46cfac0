//! Why the till did not place an order.

use crate::domain::Refusal;
use crate::store;

/// Why an order was not placed. Nothing was sold, but for [`Error::Lost`] and a store that was lost
/// in the middle of a commit: there the same key finds out, and sells once.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// As many orders wait as may.
    #[error("too many orders are waiting")]
    Full,
    /// Its turn did not come before its deadline.
    #[error("the order's turn did not come in time")]
    Late,
    /// The service is stopping.
    #[error("the till is closed")]
    Closed,
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
    /// A defect of the service: placing the order panicked.
    #[error("placing the order failed")]
    Defect,
    /// The worker did not answer: its database hangs, or it died.
    #[error("the till did not answer")]
    Lost,
}

//! What the strategies are put under, and who watches.

use std::time::Duration;

/// The same for every strategy.
#[derive(Debug, Clone)]
pub struct Load {
    /// Buyers at once, each a thread with a connection of its own.
    pub buyers: u32,
    /// Purchases that they try together, one copy each.
    pub purchases: u32,
    /// Copies on the shelf at the start.
    pub copies: i32,
    /// No purchase begins after this time.
    pub time_limit: Duration,
    /// How long the application takes between reading and writing.
    pub think: Duration,
    /// After every so many purchases that were answered as many copies come in.
    pub restock_every: Option<u32>,
}

/// Whoever watches a run. Called from every buyer's thread.
pub trait Onlooker: Sync {
    /// A strategy starts, on so many purchases; 0: for a fixed time.
    fn starts(&self, strategy: &str, purchases: u32);
    /// A buyer has an answer.
    fn answered(&self);
}

//! What a race shows: the figures of a run, and the steps of a replay. Plain data, for the table, the
//! JSON and the report alike. Nothing here runs anything.

use serde::Serialize;

/// What `race run` found: each strategy under the same load on the same database.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// `postgres`, `mysql` or `sqlite`.
    pub backend: &'static str,
    /// What the server calls itself, such as `PostgreSQL 15.18`.
    pub version: String,
    /// Buyers at once, each a thread with a connection of its own.
    pub buyers: u32,
    /// Purchases that all buyers try together, one copy each.
    pub purchases: u32,
    /// Copies on the shelf at the start.
    pub copies: i32,
    /// One for each strategy, in the order of the story.
    pub results: Vec<Outcome>,
}

/// What became of one strategy. All figures are `None` where the backend lacks it.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Its name on the command line, such as `select-for-update`.
    pub strategy: &'static str,
    /// Whether the backend has what the strategy needs.
    pub supported: bool,
    /// Why not, in a sentence.
    pub reason: Option<String>,
    /// Copies whose buyers were told that they have them.
    pub acknowledged: Option<u64>,
    /// Purchases that were told no.
    pub refused: Option<u64>,
    /// What the row said in the end.
    pub final_quantity: Option<i64>,
    /// Acknowledged copies that left no trace in the quantity.
    pub lost_updates: Option<u64>,
    /// Copies acknowledged beyond what was there.
    pub oversold: Option<u64>,
    /// Attempts beyond the first, whatever made them needed.
    pub retries: Option<u64>,
    /// Of these those that a deadlock made needed.
    pub deadlocks: Option<u64>,
    /// Acknowledged copies a second.
    pub per_second: Option<f64>,
    /// Median time from asking to the answer, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 purchases took at most this long, in milliseconds.
    pub p99_ms: Option<f64>,
    /// Whether it behaved as its description says it does on this backend.
    pub as_expected: bool,
    /// What that means, in a plain sentence.
    pub verdict: String,
}

/// Throughput of one strategy with a number of buyers.
#[derive(Debug, Clone, Serialize)]
pub struct SweepPoint {
    /// The strategy.
    pub strategy: &'static str,
    /// Buyers at once.
    pub buyers: u32,
    /// Acknowledged copies a second.
    pub per_second: f64,
}

/// The article's two requests, step by step.
#[derive(Debug, Clone, Serialize)]
pub struct Timeline {
    /// The strategy they follow.
    pub strategy: &'static str,
    /// The isolation level they run at, such as `read-committed`; SQLite has none to choose.
    pub level: Option<&'static str>,
    /// What was on the shelf at the start.
    pub copies: i32,
    /// In the order in which they happened.
    pub steps: Vec<Step>,
    /// Copies whose buyers were told that they have them.
    pub acknowledged: u64,
    /// What the row said in the end.
    pub final_quantity: i64,
    /// Acknowledged copies that left no trace in the quantity.
    pub lost_updates: u64,
    /// Copies acknowledged beyond what was there.
    pub oversold: u64,
    /// How it ended, in a plain sentence.
    pub verdict: String,
}

/// One of the two requests of the article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// The first.
    Book1,
    /// The second.
    Book2,
}

/// One thing that one of them did or that happened to it.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Whose step it is.
    pub actor: Actor,
    /// The statement, as the database was given it, or what the program did in memory.
    pub action: String,
    /// What came of it: what was read, how many rows changed.
    pub effect: Option<String>,
    /// Whom it waits for, as the database itself says.
    pub waits_for: Option<Actor>,
    /// How that was seen, such as `pg_blocking_pids`.
    pub seen_in: Option<&'static str>,
    /// What the database refused it with.
    pub error: Option<String>,
    /// What a third connection reads in the row after this step.
    pub row: i64,
}

/// All that the report shows of one backend.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The run with more copies than purchases: lost updates show.
    pub plenty: Run,
    /// The run with fewer copies than purchases: overselling shows. `None` if it was not asked for.
    pub scarce: Option<Run>,
    /// Throughput against buyers, 1 to 128.
    pub sweep: Vec<SweepPoint>,
    /// The article's two requests, naive and cured.
    pub timelines: Vec<Timeline>,
    /// The command that made it, without a password.
    pub command: String,
    /// When, as RFC 3339.
    pub made_at: String,
}

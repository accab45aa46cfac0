//! What a storm can be told.

use std::sync::OnceLock;

use clap::Parser;

use crate::kit::Backend;

/// Sells, holds, returns and counts on a real service while it is shot at, and checks that nothing is
/// lost, doubled or oversold.
#[derive(Debug, Parser)]
#[command(
    name = "storm",
    after_help = "Exit codes: 0 nothing wrong, 1 a violation, 2 usage or environment."
)]
pub struct Settings {
    /// On which database; all three if none is named
    #[arg(long, value_name = "NAME", value_parser = ["sqlite", "postgres", "mysql"])]
    backend: Option<String>,

    /// How long on each database
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub seconds: u64,

    /// Who buys at the same time
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub clients: usize,

    /// Server processes on one database
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub servers: usize,

    /// The schedule of an earlier storm; a new one if not given
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

impl Settings {
    pub fn backends(&self) -> Vec<Backend> {
        let is_meant =
            |backend: &&Backend| self.backend.as_ref().is_none_or(|name| *name == backend.name());
        Backend::ALL.iter().filter(is_meant).copied().collect()
    }

    pub fn seed(&self) -> u64 {
        static CHOSEN: OnceLock<u64> = OnceLock::new();
        // The low half of the id is random.
        self.seed
            .unwrap_or_else(|| *CHOSEN.get_or_init(|| uuid::Uuid::now_v7().as_u128() as u32 as u64))
    }
}

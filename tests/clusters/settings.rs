//! What a run can be told. scripts/clusters tells the same of it.

use std::sync::OnceLock;

use clap::{Parser, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cluster {
    Failover,
    Galera,
    Pooler,
}

/// Sells on a database that is more than one server while machines of its are lost.
#[derive(Debug, Parser)]
#[command(name = "clusters")]
pub struct Settings {
    /// On which
    #[arg(long, value_name = "NAME", value_enum)]
    pub cluster: Cluster,

    /// How often the standby takes over
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub promotions: usize,

    /// Until so many orders were acknowledged
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub orders: usize,

    /// How often a node is killed
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub kills: usize,

    /// How often a node loses its network
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub partitions: usize,

    /// Who buys at the same time
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub clients: usize,

    /// What an earlier run did; a new one if not given
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

impl Settings {
    pub fn seed(&self) -> u64 {
        static CHOSEN: OnceLock<u64> = OnceLock::new();
        // The low half of the id is random.
        self.seed
            .unwrap_or_else(|| *CHOSEN.get_or_init(|| uuid::Uuid::now_v7().as_u128() as u32 as u64))
    }
}

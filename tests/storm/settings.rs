//! What a storm can be told.

use std::sync::OnceLock;
use std::time::Duration;

use clap::Parser;

use crate::faults::{Count, Fault};
use crate::kit::Backend;
use crate::watch::Goal;

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
    #[arg(long, value_name = "N", default_value_t = 60, conflicts_with = "orders")]
    seconds: u64,

    /// Until so many orders were acknowledged, over all databases, and faults done as belong to them
    #[arg(long, value_name = "N")]
    orders: Option<usize>,

    /// Instead: how many minutes at half of the best rate, with a fault now and then, to see what grows
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["orders", "seconds"],
          value_parser = clap::value_parser!(u64).range(1..))]
    soak: Option<u64>,

    /// Only this fault; may be given several times
    #[arg(long, value_name = "NAME", value_enum)]
    fault: Vec<Fault>,

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

    /// How long the soak is, if it is one.
    pub fn soak(&self) -> Option<Duration> {
        self.soak.map(|minutes| Duration::from_secs(60 * minutes))
    }

    /// The faults that are meant for `backend`.
    pub fn faults(&self, backend: Backend) -> impl Iterator<Item = Fault> {
        let named = |fault: &Fault| self.fault.is_empty() || self.fault.contains(fault);
        Fault::all().filter(move |fault| named(fault) && fault.is_possible_on(backend))
    }

    /// How often each of `faults` comes in a round of them, and what the storm on one database is for.
    pub fn plan(&self, faults: &[Fault]) -> (Count, Goal) {
        let Some(orders) = self.orders else {
            let weights = faults.iter().map(|fault| (*fault, fault.weight())).collect();
            return (weights, Goal::Time(Duration::from_secs(self.seconds)));
        };
        let orders = orders.div_ceil(self.backends().len());
        let wanted: Count = faults.iter().map(|fault| (*fault, fault.share(orders))).collect();
        (wanted.clone(), Goal::Orders(orders, wanted))
    }

    /// The command that repeats the storm on one database, with these faults: another set of them would be
    /// another deck.
    pub fn again(&self, backend: Backend, faults: &[Fault]) -> String {
        let Self { clients, servers, .. } = self;
        let long = match self.orders {
            Some(orders) => format!("--orders {}", orders.div_ceil(self.backends().len())),
            None => format!("--seconds {}", self.seconds),
        };
        let faults: String =
            faults.iter().map(|fault| format!(" --fault {}", fault.name())).collect();
        let seed = self.seed();
        format!(
            "scripts/storm --backend {backend} {long} --clients {clients} --servers {servers} \
             --seed {seed}{faults}"
        )
    }
}

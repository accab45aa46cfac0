//! All that a siege found out, as it is written for programs.

use serde::Serialize;

use crate::attacks::{Attack, Told};
use crate::shopper::Shopping;
use crate::vitals::Vitals;

/// A while under some attacks, or none.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) attacks: Vec<Attack>,
    pub(crate) seconds: u64,
    pub(crate) shopping: Shopping,
    /// The worst of the server meanwhile.
    pub(crate) worst: Vitals,
    pub(crate) told: Vec<(Attack, Told)>,
    /// Seconds until the last connection of the attackers was gone; none if it stayed.
    pub(crate) quiet_after: Option<f64>,
}

/// A server that may have few files open, and many guests.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Scarcity {
    pub(crate) descriptors: u32,
    pub(crate) guests: usize,
    /// How many of the guests were served at that time.
    pub(crate) served: usize,
    /// Whether the process outlived it.
    pub(crate) is_alive: bool,
    /// Seconds until it sold again once they had gone; none if it did not.
    pub(crate) sold_after: Option<f64>,
}

/// The state of things after the siege, beside what it should be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Aftermath {
    pub(crate) calm: Vitals,
    pub(crate) after: Vitals,
    pub(crate) connections: usize,
    pub(crate) is_ready: bool,
    pub(crate) peak_memory: u64,
    pub(crate) orders: Orders,
    /// Copies of the book that only hidden purchases buy, which are gone.
    pub(crate) smuggled: i64,
    /// What the audit says; nothing if it is clean.
    pub(crate) audit: Option<String>,
    pub(crate) panics: usize,
    /// Those of the HTTP library on names of headers that are longer than 64 KiB.
    pub(crate) known_panics: usize,
    pub(crate) log_bytes: u64,
    pub(crate) has_ended_well: bool,
}

/// What the honest client was told, beside what the store has.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Orders {
    pub(crate) acknowledged: usize,
    pub(crate) in_doubt: usize,
    pub(crate) listed: usize,
    /// Acknowledged, and not there exactly once.
    pub(crate) lost_or_doubled: Vec<String>,
}

/// Something that must hold.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) wanted: String,
    pub(crate) found: String,
    pub(crate) is_met: bool,
}

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) backend: String,
    pub(crate) scale: f64,
    pub(crate) rate: u32,
    pub(crate) phases: Vec<Phase>,
    pub(crate) scarcity: Scarcity,
    pub(crate) aftermath: Aftermath,
    pub(crate) bars: Vec<Bar>,
}

//! What comes of an attack: counts, and answers that should not have been.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Serialize;

/// Faults that are told; more of the same would tell nothing new.
const MOST_FAULTS: usize = 20;

/// Counts while the attack goes on.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Told>);

/// The end of it.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Told {
    /// How often what happened.
    pub(crate) counts: BTreeMap<String, u64>,
    /// What must not happen and did.
    pub(crate) faults: Vec<String>,
}

impl Tally {
    pub(crate) fn count(&self, what: impl Into<String>) {
        self.add(what, 1);
    }

    pub(crate) fn add(&self, what: impl Into<String>, number: u64) {
        self.change(|told| *told.counts.entry(what.into()).or_default() += number);
    }

    pub(crate) fn fault(&self, fault: String) {
        self.change(|told| {
            if told.faults.len() < MOST_FAULTS && !told.faults.contains(&fault) {
                told.faults.push(fault);
            }
        });
    }

    pub(crate) fn told(&self) -> Told {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

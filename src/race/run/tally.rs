//! The count of what buyers were told.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use crate::race::conflict::Failure;
use crate::race::strategy::Answer;

/// What some buyers were told.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    pub(super) sold_out: u64,
    pub(super) turned_away: u64,
    pub(super) gave_up: u64,
    /// How often what went wrong.
    pub(super) failed: BTreeMap<Failure, u64>,
    pub(super) retries: u64,
    pub(super) deadlocks: u64,
    /// Copies that came in.
    pub(super) restocked: i64,
    /// From asking to the answer.
    times: Vec<Duration>,
}

impl Tally {
    pub(super) fn count(&mut self, answer: Result<Answer, Failure>, time: Duration) {
        self.times.push(time);
        match answer {
            Ok(Answer::Sold) => self.acknowledged += 1,
            Ok(Answer::SoldOut) => self.sold_out += 1,
            Ok(Answer::TurnedAway) => self.turned_away += 1,
            Ok(Answer::GaveUp) => self.gave_up += 1,
            Err(failure) => self.fail(failure),
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        *self.failed.entry(failure).or_default() += 1;
    }

    /// Buyers who have an answer.
    pub(super) fn answered(&self) -> u64 {
        self.times.len() as u64
    }

    /// Buyers who have an answer and no copy.
    pub(super) fn refused(&self) -> u64 {
        self.answered() - self.acknowledged
    }

    /// Failures that `are_meant`, and the one of them that came most often.
    pub(super) fn failures(&self, are_meant: impl Fn(&Failure) -> bool) -> Option<(u64, &Failure)> {
        let meant = || self.failed.iter().filter(|(failure, _)| are_meant(failure));
        let (most, _) = meant().max_by_key(|(_, count)| **count)?;
        Some((meant().map(|(_, count)| count).sum(), most))
    }

    /// The time that so many of 100 purchases took at most, in milliseconds.
    pub(super) fn percentile_ms(&self, percent: usize) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100).checked_sub(1)?;
        Some(times.get(rank)?.as_secs_f64() * 1e3)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.sold_out += other.sold_out;
        self.turned_away += other.turned_away;
        self.gave_up += other.gave_up;
        for (failure, count) in other.failed {
            *self.failed.entry(failure).or_default() += count;
        }
        self.retries += other.retries;
        self.deadlocks += other.deadlocks;
        self.restocked += other.restocked;
        self.times.extend(other.times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_of_the_slowest_of_so_many() {
        let mut tally = Tally::default();
        assert_eq!(tally.percentile_ms(50), None);
        for ms in (1..=200).rev() {
            tally.count(Ok(Answer::Sold), Duration::from_millis(ms));
        }
        assert_eq!(tally.percentile_ms(50), Some(100.0));
        assert_eq!(tally.percentile_ms(99), Some(198.0));
        assert_eq!(tally.percentile_ms(100), Some(200.0));
    }
}

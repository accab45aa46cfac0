//! How long requests took.

use std::time::Duration;

use serde::Serialize;

/// Of many requests, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) requests: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Latency {
    pub(crate) fn of(took: impl IntoIterator<Item = Duration>) -> Self {
        let mut took: Vec<_> = took.into_iter().collect();
        took.sort_unstable();
        let quantile = |share: f64| {
            // The smallest one that so many of all do not exceed.
            let rank = (share * took.len() as f64).ceil() as usize;
            took.get(rank.saturating_sub(1)).map_or(0.0, |took| took.as_secs_f64() * 1e3)
        };
        Self { requests: took.len(), p50: quantile(0.5), p99: quantile(0.99), max: quantile(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_there_is() {
        let latency = Latency::of((1..=200).rev().map(Duration::from_millis));
        assert_eq!(latency, Latency { requests: 200, p50: 100.0, p99: 198.0, max: 200.0 });
        assert_eq!(Latency::of([]), Latency::default());
    }
}

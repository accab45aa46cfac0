//! The lines in which people wait, and how they are served.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{Book, Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge};
use super::{IntGaugeVec, SECONDS};

/// Upper ends of the steps in which batches are counted: how many were served together.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

/// Why somebody was not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// As many waited as may.
    Full,
    /// The turn did not come in time.
    Late,
    /// The service was stopping.
    Closed,
}

/// One desk.
pub struct Desk {
    waiting: IntGauge,
    oldest: Gauge,
    // When the oldest of those who are being served came, in nanoseconds after `opened`; 0 = nobody
    // is. They are served in the order they came: nobody who still waits came earlier.
    oldest_came: AtomicU64,
    aside: IntGauge,
    // The same of those who stand aside.
    oldest_aside_came: AtomicU64,
    opened: Instant,
    batch_size: Histogram,
    batch_seconds: Histogram,
    seconds: Histogram,
    full: IntCounter,
    late: IntCounter,
    closed: IntCounter,
}

impl Desk {
    /// Somebody gets in line.
    pub fn enter(&self) {
        self.waiting.inc();
    }

    /// So many leave the line: their turn has come, or there was no room.
    pub fn leave(&self, count: usize) {
        self.waiting.sub(count as i64);
    }

    /// Since when the oldest of those whose turn it is have been here; `None` when all are answered.
    pub fn oldest_came(&self, came: Option<Instant>) {
        self.oldest_came.store(self.nanoseconds(came), Ordering::Relaxed);
    }

    /// So many stand aside now, the oldest of them since then.
    pub fn stand_aside(&self, count: usize, oldest_came: Option<Instant>) {
        self.aside.set(count as i64);
        self.oldest_aside_came.store(self.nanoseconds(oldest_came), Ordering::Relaxed);
    }

    fn nanoseconds(&self, came: Option<Instant>) -> u64 {
        let after = |came: Instant| came.saturating_duration_since(self.opened).as_nanos() as u64;
        came.map_or(0, |came| after(came).max(1))
    }

    /// So many were served together, since `began`.
    pub fn served_together(&self, size: usize, began: Instant) {
        self.batch_size.observe(size as f64);
        self.batch_seconds.observe(began.elapsed().as_secs_f64());
    }

    /// Somebody who `came` then is answered `now`.
    pub fn answered(&self, came: Instant, now: Instant) {
        self.seconds.observe(now.saturating_duration_since(came).as_secs_f64());
    }

    /// So many are not served.
    pub fn turned_away(&self, why: TurnedAway, count: usize) {
        let counter = match why {
            TurnedAway::Full => &self.full,
            TurnedAway::Late => &self.late,
            TurnedAway::Closed => &self.closed,
        };
        counter.inc_by(count as u64);
    }

    /// Brings the age of the oldest up to date.
    pub(super) fn look_at_the_clock(&self) {
        let now = self.opened.elapsed().as_nanos() as u64;
        let ages = [&self.oldest_came, &self.oldest_aside_came].map(|came| {
            let came = came.load(Ordering::Relaxed);
            if came == 0 { 0 } else { now.saturating_sub(came) }
        });
        self.oldest.set(ages[0].max(ages[1]) as f64 / 1e9);
    }
}

/// The metrics of all desks, told apart by the label `desk`.
pub(super) struct Family {
    waiting: IntGaugeVec,
    aside: IntGaugeVec,
    oldest: GaugeVec,
    batch_size: HistogramVec,
    batch_seconds: HistogramVec,
    seconds: HistogramVec,
    turned_away: IntCounterVec,
}

impl Family {
    pub(super) fn new(book: &Book) -> Self {
        let desk = &["desk"];
        Self {
            waiting: book.gauges("till_waiting", "Requests in line at a desk.", desk),
            aside: book.gauges(
                "till_aside",
                "Requests that stand aside, for a row that somebody keeps locked.",
                desk,
            ),
            oldest: book.seconds_gauges(
                "till_oldest_seconds",
                "How long the oldest request at a desk has been without an answer.",
                desk,
            ),
            batch_size: book.histograms(
                "till_batch_size",
                "Requests that were served together.",
                desk,
                SIZES,
            ),
            batch_seconds: book.histograms(
                "till_batch_seconds",
                "Time to serve those who are served together, with all that was run again.",
                desk,
                SECONDS,
            ),
            seconds: book.histograms(
                "till_seconds",
                "Time of a request at a desk, from getting in line to the answer.",
                desk,
                SECONDS,
            ),
            turned_away: book.counters(
                "till_turned_away_total",
                "Requests that a desk did not serve: full, late or closed.",
                &["desk", "reason"],
            ),
        }
    }

    /// Those for sales, confirmations, settlements and looks.
    pub(super) fn desks(&self) -> [Desk; 4] {
        ["sales", "confirmations", "settlements", "looks"].map(|name| self.desk(name))
    }

    fn desk(&self, name: &str) -> Desk {
        let turned_away = |reason| self.turned_away.with_label_values(&[name, reason]);
        Desk {
            waiting: self.waiting.with_label_values(&[name]),
            oldest: self.oldest.with_label_values(&[name]),
            oldest_came: AtomicU64::new(0),
            aside: self.aside.with_label_values(&[name]),
            oldest_aside_came: AtomicU64::new(0),
            opened: Instant::now(),
            batch_size: self.batch_size.with_label_values(&[name]),
            batch_seconds: self.batch_seconds.with_label_values(&[name]),
            seconds: self.seconds.with_label_values(&[name]),
            full: turned_away("full"),
            late: turned_away("late"),
            closed: turned_away("closed"),
        }
    }
}

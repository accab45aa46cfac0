//! What an operator may see of a running service, in Prometheus' text form. Knows nothing of the other
//! rooms: `store`, `till` and `http` write into it and decide what their numbers mean.
//!
//! Everything that a request touches is an atomic that was looked up before: no lock, no map, no
//! allocation. What has to be asked for, such as the state of a pool, is asked for when somebody reads
//! the page. No label takes a value that a caller could make up.

mod certificate;
mod desk;
mod limits;
mod pool;
mod requests;
mod sales;

use std::fmt;

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

pub use certificate::Certificate;
pub use desk::{Desk, TurnedAway};
pub use limits::{Limit, Limits};
pub use pool::{Cause, Pool, PoolUse};
pub use requests::{Requests, Route};
pub use sales::{HoldEvent, Refused, Sales, Sweeps};

/// The media type of [`Metrics::page`].
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The numbers of one store and of what serves it.
pub struct Metrics {
    /// What came over HTTP.
    pub requests: Requests,
    /// What limits refused.
    pub limits: Limits,
    /// The certificate of HTTPS.
    pub certificate: Certificate,
    /// The desk where orders are placed.
    pub sales_desk: Desk,
    /// The desk where holds are confirmed.
    pub confirmations_desk: Desk,
    /// The desk where orders are cancelled, and where confirmations go that came too late.
    pub settlements_desk: Desk,
    /// The desk where single books are looked at.
    pub looks_desk: Desk,
    /// What was sold, and why not.
    pub sales: Sales,
    /// The sweeper's work.
    pub sweeps: Sweeps,
    /// Connections for reads.
    pub readers: Pool,
    /// Connections for transactions.
    pub writers: Pool,
    registry: Registry,
}

impl Metrics {
    /// All numbers at zero, for a program on this kind of database.
    pub fn new(backend: &str) -> Self {
        let book = Book(Registry::new());
        let build =
            book.gauges("build_info", "What runs, as labels; always 1.", &["version", "backend"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), backend]).set(1);
        book.0.register(Box::new(ProcessCollector::for_self())).expect(ONCE);
        let [sales_desk, confirmations_desk, settlements_desk, looks_desk] =
            desk::Family::new(&book).desks();
        let [readers, writers] = pool::Family::new(&book).pools();
        Self {
            requests: Requests::new(&book),
            limits: Limits::new(&book),
            certificate: Certificate::new(&book),
            sales_desk,
            confirmations_desk,
            settlements_desk,
            looks_desk,
            sales: Sales::new(&book),
            sweeps: Sweeps::new(&book),
            readers,
            writers,
            registry: book.0,
        }
    }

    /// The page that Prometheus reads.
    pub fn page(&self) -> String {
        let desks =
            [&self.sales_desk, &self.confirmations_desk, &self.settlements_desk, &self.looks_desk];
        for desk in desks {
            desk.look_at_the_clock();
        }
        // It fails for a family without metrics, which `gather` leaves out.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Where each name is entered once. All but those of the process begin with `bookstore_`.
struct Book(Registry);

impl Book {
    fn enter<T: Collector + Clone + 'static>(&self, metric: T) -> T {
        self.0.register(Box::new(metric.clone())).expect(ONCE);
        metric
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.enter(IntCounterVec::new(options(name, help), labels).expect(VALID))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.enter(IntCounter::with_opts(options(name, help)).expect(VALID))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.enter(IntGaugeVec::new(options(name, help), labels).expect(VALID))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.enter(IntGauge::with_opts(options(name, help)).expect(VALID))
    }

    fn seconds_gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.enter(GaugeVec::new(options(name, help), labels).expect(VALID))
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str], steps: &[f64]) -> HistogramVec {
        let options = HistogramOpts::from(options(name, help)).buckets(steps.to_vec());
        self.enter(HistogramVec::new(options, labels).expect(VALID))
    }
}

const ONCE: &str = "each name is entered once";
const VALID: &str = "names and labels are made of letters and underscores";

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("bookstore")
}

/// Upper ends of the steps in which times are counted, in seconds: from the fastest sale to the
/// longest that a request may take.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_was_counted() {
        let metrics = Metrics::new("SQLite");
        metrics.sales.placed(2, 5);
        let page = metrics.page();
        for line in [
            "bookstore_orders_placed_total 2",
            "bookstore_copies_sold_total 5",
            "bookstore_till_oldest_seconds{desk=\"sales\"} 0",
        ] {
            assert!(page.lines().any(|there| there == line), "{line} is not in\n{page}");
        }
        assert!(page.contains("bookstore_build_info{backend=\"SQLite\",version="), "{page}");
    }
}

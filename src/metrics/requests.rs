//! Requests over HTTP, by route, method and status.

use std::array;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Book, Histogram, HistogramVec, IntCounter, IntCounterVec, SECONDS};

/// A caller may make methods up: all but these are one.
const METHODS: [&str; 7] = ["POST", "GET", "HEAD", "PATCH", "DELETE", "OPTIONS", "other"];

/// The answers there are; should another come up, it is counted as the last.
const STATUSES: [u16; 25] = [
    201, 200, 409, 304, 404, 204, 206, 400, 401, 403, 405, 406, 408, 411, 412, 413, 414, 415, 422,
    428, 429, 431, 500, 503, 0,
];

/// What is asked of the service.
pub struct Requests {
    nowhere: Route,
    family: Family,
    replays: IntCounter,
}

impl Requests {
    pub(super) fn new(book: &Book) -> Self {
        let family = Family {
            count: book.counters(
                "http_requests_total",
                "Requests that were answered, by the pattern of their path.",
                &["route", "method", "status"],
            ),
            seconds: book.histograms(
                "http_request_seconds",
                "Time to answer a request, from its headers to the headers of the answer.",
                &["route", "method"],
                SECONDS,
            ),
        };
        let replays = book.counter(
            "replays_total",
            "Requests that were answered with what an earlier one of the same key was told.",
        );
        Self { nowhere: Route::new(&family, "none"), family, replays }
    }

    /// The counters of the path with this pattern. Not for each request: it looks them up.
    pub fn route(&self, pattern: &str) -> Route {
        Route::new(&self.family, pattern)
    }

    /// The counters of every path that is none of the service's.
    pub fn nowhere(&self) -> &Route {
        &self.nowhere
    }

    /// A request was answered with the answer of an earlier one.
    pub fn replayed(&self) {
        self.replays.inc();
    }
}

#[derive(Clone)]
struct Family {
    count: IntCounterVec,
    seconds: HistogramVec,
}

/// The counters of one path. Cheap to clone.
///
/// Each is made when it is first needed: most of what a path could be asked and could answer, it
/// never is and does.
#[derive(Clone)]
pub struct Route(Arc<Counters>);

struct Counters {
    family: Family,
    pattern: String,
    methods: [Method; METHODS.len()],
}

#[derive(Default)]
struct Method {
    seconds: OnceLock<Histogram>,
    statuses: [OnceLock<IntCounter>; STATUSES.len()],
}

impl Route {
    fn new(family: &Family, pattern: &str) -> Self {
        Self(Arc::new(Counters {
            family: family.clone(),
            pattern: pattern.to_owned(),
            methods: array::from_fn(|_| Method::default()),
        }))
    }

    /// A request was answered.
    pub fn answered(&self, method: &str, status: u16, took: Duration) {
        let Counters { family, pattern, methods } = &*self.0;
        let at = METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1);
        let (method, word) = (&methods[at], METHODS[at]);
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        method.statuses[at]
            .get_or_init(|| {
                let status = match STATUSES[at] {
                    0 => "other".to_owned(),
                    status => status.to_string(),
                };
                family.count.with_label_values(&[pattern.as_str(), word, status.as_str()])
            })
            .inc();
        method
            .seconds
            .get_or_init(|| family.seconds.with_label_values(&[pattern.as_str(), word]))
            .observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn what_callers_make_up_shares_one_label() {
        let metrics = Metrics::new("SQLite");
        for (method, status) in [("BREW", 418), ("WHEN", 299)] {
            metrics.requests.nowhere().answered(method, status, Duration::from_millis(3));
        }
        let page = metrics.page();
        let line =
            "bookstore_http_requests_total{method=\"other\",route=\"none\",status=\"other\"} 2";
        assert!(page.contains(line), "{page}");
    }
}

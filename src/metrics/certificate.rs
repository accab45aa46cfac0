//! The certificate of HTTPS.

use prometheus::IntGauge;

use super::Book;

/// When the certificate ends that the service shows.
pub struct Certificate {
    expires: IntGauge,
}

impl Certificate {
    pub(super) fn new(book: &Book) -> Self {
        let expires = book.gauge(
            "tls_certificate_expires_timestamp_seconds",
            "When the certificate ends that is shown now, in seconds since 1970; 0 without TLS.",
        );
        Self { expires }
    }

    /// One is shown from now on that ends at this second since 1970.
    pub fn expires(&self, at: u64) {
        self.expires.set(i64::try_from(at).unwrap_or(i64::MAX));
    }
}

//! The settings of HTTPS.

use std::path::PathBuf;

use crate::http::{self, tls};

/// The certificate and the key of the service; without them it speaks plain HTTP.
#[derive(Debug, Clone, clap::Args)]
pub struct Tls {
    /// Speak HTTPS, with the certificate in this PEM file
    ///
    /// The server's own certificate comes first, then those that lead to its root. SIGHUP takes up new
    /// files while the service goes on; files that cannot be used are told of in the log and left alone.
    #[arg(long, env = "BOOKSTORE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of that certificate, a PEM file without a passphrase
    #[arg(long, env = "BOOKSTORE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

impl Tls {
    /// Reads both files; nothing if there are none.
    ///
    /// # Errors
    /// Which setting is wrong, and what to do.
    pub fn open(&self) -> Result<Option<http::Tls>, String> {
        let one_is_missing = |given, missing| {
            format!(
                "{missing} is not set, but {given} is; HTTPS needs both, a certificate and its key"
            )
        };
        let (certificate, key) = match (self.tls_cert.clone(), self.tls_key.clone()) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => return Err(one_is_missing(tls::CERTIFICATE, tls::KEY)),
            (None, Some(_)) => return Err(one_is_missing(tls::KEY, tls::CERTIFICATE)),
        };
        let opened = http::Tls::open(tls::Files { certificate, key });
        opened.map(Some).map_err(|error| error.to_string())
    }
}

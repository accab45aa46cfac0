//! HTTPS: the certificate that the service shows, and how another one takes its place while it serves.
//!
//! Only HTTP/1.1 is offered inside: what bounds time, size and number of requests counts connections, and
//! HTTP/2 would put many requests into one (its support is not even compiled in).

mod certificate;
mod files;

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::UnixTime;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use self::certificate::Certificate;
pub use self::files::{BadFile, Files};
pub(crate) use self::files::{CERTIFICATE, KEY};
use super::hangup::Hangups;
use crate::metrics::Metrics;

/// How long a client may take to agree on keys.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The service's certificate and key. Cheap to clone: all clones show the same.
#[derive(Clone)]
pub struct Tls(Arc<Shown>);

/// What every handshake asks for.
struct Shown {
    files: Files,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

/// How a client may call a host so that its certificate is for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// By the very address.
    Address,
    /// By this name.
    Dns(String),
    /// The certificate does not say.
    Unknown,
}

impl Tls {
    /// Reads the certificate and the key.
    ///
    /// # Errors
    /// [`BadFile`] names the setting and what to do.
    pub fn open(files: Files) -> Result<Self, BadFile> {
        let provider = Arc::new(ring::default_provider());
        let current = RwLock::new(Arc::new(files.read(&provider)?));
        let tls = Self(Arc::new(Shown { files, provider, current }));
        tls.tell("TLS is on");
        Ok(tls)
    }

    /// The file with the certificate.
    pub fn certificate_file(&self) -> &Path {
        &self.0.files.certificate
    }

    /// How a client may call the host at `address`.
    pub fn name_of(&self, address: IpAddr) -> Name {
        let certified = self.current();
        Certificate::of(&certified).map_or(Name::Unknown, |certificate| {
            if certificate.is_for(address) {
                return Name::Address;
            }
            certificate.host().map_or(Name::Unknown, Name::Dns)
        })
    }

    /// How a connection is spoken to.
    pub(super) fn server_config(&self) -> ServerConfig {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.0.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the ciphers of TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        // Who resumes a session is shown no certificate, and would live on with an old one. It would
        // save no round trip, and those who call often keep their connection.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }

    /// Takes up what the files hold now. Connections that are open keep what they agreed on.
    ///
    /// # Errors
    /// [`BadFile`]; what was shown before is then still shown.
    fn take_up(&self, metrics: &Metrics) -> Result<(), BadFile> {
        let certified = self.0.files.read(&self.0.provider)?;
        *self.0.current.write() = Arc::new(certified);
        self.note(metrics);
        self.tell("took up the new TLS certificate");
        Ok(())
    }

    /// Takes down when the certificate ends that is shown now.
    pub(super) fn note(&self, metrics: &Metrics) {
        if let Some(at) = self.expires() {
            metrics.certificate.expires(at.as_secs());
        }
    }

    fn tell(&self, what: &str) {
        let file = self.certificate_file().display();
        tracing::info!(certificate = %file, expires = self.expires().map(shown), "{what}");
    }

    /// When the certificate ends that is shown now.
    fn expires(&self) -> Option<UnixTime> {
        Certificate::of(&self.current())?.expires()
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.current.read())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

/// A time as people write it.
fn shown(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match chrono::DateTime::from_timestamp(seconds, 0) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => format!("{seconds} seconds after 1970"),
    }
}

/// Takes up new files at each SIGHUP that asks for it. Without TLS there are none, and the signal, which
/// would end the process, is only told of. Ends when the terminal is closed.
pub(super) async fn take_up_when_asked(
    mut hangups: Hangups,
    tls: Option<Tls>,
    metrics: Arc<Metrics>,
) {
    while hangups.asks_for_reload().await {
        let Some(tls) = tls.clone() else {
            tracing::info!("SIGHUP: TLS is off, so there are no files to take up");
            continue;
        };
        let metrics = Arc::clone(&metrics);
        match web::block(move || tls.take_up(&metrics)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(
                %error,
                "SIGHUP: the new TLS files cannot be used; the certificate from before is still shown"
            ),
            Err(error) => tracing::error!(%error, "SIGHUP: the TLS files were not read"),
        }
    }
}

//! Certificates of our own making, and who is shown which.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring};

use super::Server;

/// Signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate, as PEM, and its key.
pub struct Certified {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self { issuer: issuer.unwrap() }
    }

    /// Its own certificate, as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server of these names and addresses.
    pub fn certify(&self, names: &[&str]) -> Certified {
        self.certify_like(names, |_| {})
    }

    /// The same, valid from 1 January of one year to 1 January of another.
    pub fn certify_between(&self, names: &[&str], from: i32, until: i32) -> Certified {
        self.certify_like(names, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(until, 1, 1);
        })
    }

    /// A certificate for a client.
    pub fn certify_client(&self) -> Certified {
        self.certify_like(&["client"], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    fn certify_like(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certified {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "a test's server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Certified { certificate, key: key.serialize_pem() }
    }
}

/// The two files that a server reads its certificate and key from.
pub struct TlsFiles {
    folder: tempfile::TempDir,
}

impl TlsFiles {
    pub fn with(certified: &Certified) -> Self {
        let folder = tempfile::Builder::new().prefix("bookstore-tls-").tempdir().unwrap();
        let files = Self { folder };
        files.write(certified);
        files
    }

    pub fn write(&self, Certified { certificate, key }: &Certified) {
        std::fs::write(self.certificate(), certificate).unwrap();
        std::fs::write(self.key(), key).unwrap();
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The arguments that make a server use them.
    pub fn arguments(&self) -> [String; 4] {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        ["--tls-cert".into(), path(self.certificate()), "--tls-key".into(), path(self.key())]
    }
}

/// A client that looks closely at whom it speaks to. It remembers sessions, as browsers do.
pub struct Visitor {
    config: Arc<ClientConfig>,
}

impl Visitor {
    /// One who trusts `authority` and offers to speak `protocols`.
    pub fn trusting(authority: &Authority, protocols: &[&str]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config) }
    }

    /// Shakes hands with `server`, which it takes for `localhost`, or says why it went away.
    pub fn meet(&self, server: &Server) -> Result<Meeting, std::io::Error> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Meeting { stream: StreamOwned::new(connection, socket) })
    }
}

/// A connection to a server that could be trusted.
pub struct Meeting {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Meeting {
    /// The protocol that was agreed on.
    pub fn protocol(&self) -> Option<String> {
        let protocol = self.stream.conn.alpn_protocol()?;
        Some(String::from_utf8(protocol.to_vec()).unwrap())
    }

    /// Sends a request that asks for the connection's end, and gives the whole answer.
    pub fn ask(mut self, request: &str) -> String {
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server may close without saying that it does.
        let _ = self.stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }
}

//! Reading the certificate and the key: everything that can be wrong with the two files, each with what
//! to do about it. What is in the key's file is never repeated.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::{CertifiedKey, SigningKey};

use super::certificate::{Certificate, Objection};
use super::shown;

/// Far more than the longest chain. Whatever is longer is some other file.
const MAX_BYTES: u64 = 1 << 20;

/// The setting of the certificate's file, by the names people know it by.
pub(crate) const CERTIFICATE: &str = "--tls-cert / BOOKSTORE_TLS_CERT";
/// The same of the key's.
pub(crate) const KEY: &str = "--tls-key / BOOKSTORE_TLS_KEY";

/// Where the certificate and its key are, both as PEM.
#[derive(Debug, Clone)]
pub struct Files {
    /// The server's own certificate, followed by those that lead from it to its root.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

/// A file that cannot be used: whose setting, why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {}: {reason}", path.display())]
pub struct BadFile {
    setting: &'static str,
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("there is no such file")]
    Missing,
    #[error("it cannot be read: {0}. The user that the service runs as must be able to")]
    Unreadable(std::io::Error),
    #[error("it is longer than a megabyte; no PEM file of a certificate or a key is")]
    TooLong,
    #[error("it is damaged: a BEGIN or END line is missing, or what is between them is no base64")]
    Damaged,
    #[error(
        "it holds no certificate (-----BEGIN CERTIFICATE-----). It must hold the server's own, then \
         those that lead to its root; `openssl x509 -inform DER` makes PEM of a DER file"
    )]
    NoCertificate,
    #[error("it holds a private key and no certificate; is it mixed up with {}?", KEY)]
    KeyInstead,
    #[error(
        "it holds no private key (-----BEGIN PRIVATE KEY-----); `openssl pkey -inform DER` makes PEM \
         of a DER file"
    )]
    NoKey,
    #[error("it holds a certificate and no private key; is it mixed up with {}?", CERTIFICATE)]
    CertificateInstead,
    #[error(
        "its key is encrypted, and nobody is there to type the passphrase. Decrypt it by `openssl pkey \
         -in FILE -out NEW_FILE`, and let only the service's user read the new file"
    )]
    Encrypted,
    #[error(
        "its key is of a kind that is not supported; make one of ECDSA (P-256 or P-384), Ed25519, or \
         RSA of 2048 to 4096 bits"
    )]
    UnknownKey,
    #[error("its first certificate cannot be read ({0}); it must be X.509, version 3")]
    NoX509(webpki::Error),
    #[error("its key is not that of the certificate in {}; both must be from one request", .0.display())]
    AnotherKey(PathBuf),
    #[error(
        "its certificates are in the wrong order: the server's own, whose key it is, comes first"
    )]
    WrongOrder,
    #[error("its certificate expired at {0}; get a new one")]
    Expired(String),
    #[error("its certificate is not valid before {0}; is this machine's clock right?")]
    NotYetValid(String),
    #[error("its certificate is never valid: it ends before it begins; get a new one")]
    NeverValid,
    #[error("its certificate is not for servers: its extended key usage lacks serverAuth")]
    NotForServers,
}

impl Files {
    /// Reads both and holds them against each other and against the clock.
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, BadFile> {
        let chain = self.read_chain().map_err(|reason| self.bad_certificate(reason))?;
        let key = self.read_key().map_err(|reason| self.bad_key(reason))?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|_| self.bad_key(Reason::UnknownKey))?;
        let own = chain.first().ok_or_else(|| self.bad_certificate(Reason::NoCertificate))?;
        let own =
            Certificate::parse(own).map_err(|error| self.bad_certificate(Reason::NoX509(error)))?;
        if !is_of(&own, key.as_ref()) {
            let is_other =
                |der| Certificate::parse(der).is_ok_and(|other| is_of(&other, key.as_ref()));
            return Err(match chain.iter().skip(1).any(is_other) {
                true => self.bad_certificate(Reason::WrongOrder),
                false => self.bad_key(Reason::AnotherKey(self.certificate.clone())),
            });
        }
        match objection(&own) {
            Some(reason) => Err(self.bad_certificate(reason)),
            None => Ok(CertifiedKey::new(chain, key)),
        }
    }

    fn read_chain(&self) -> Result<Vec<CertificateDer<'static>>, Reason> {
        let pem = read(&self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match chain {
            Ok(chain) if !chain.is_empty() => Ok(chain),
            Ok(_) if has(&pem, "PRIVATE KEY-----") => Err(Reason::KeyInstead),
            Ok(_) => Err(Reason::NoCertificate),
            Err(_) => Err(Reason::Damaged),
        }
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, Reason> {
        let pem = read(&self.key)?;
        PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
            // As PKCS#8, or as OpenSSL once wrote it ("Proc-Type: 4,ENCRYPTED").
            _ if has(&pem, "ENCRYPTED") => Reason::Encrypted,
            PemError::NoItemsFound if has(&pem, "BEGIN CERTIFICATE-----") => {
                Reason::CertificateInstead
            }
            PemError::NoItemsFound => Reason::NoKey,
            _ => Reason::Damaged,
        })
    }

    fn bad_certificate(&self, reason: Reason) -> BadFile {
        BadFile { setting: CERTIFICATE, path: self.certificate.clone(), reason }
    }

    fn bad_key(&self, reason: Reason) -> BadFile {
        BadFile { setting: KEY, path: self.key.clone(), reason }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Reason> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Reason::Missing,
        _ => Reason::Unreadable(error),
    })?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Reason::Unreadable)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(Reason::TooLong),
        false => Ok(bytes),
    }
}

fn has(text: &[u8], words: &str) -> bool {
    text.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Whether `certificate` is the one of `key`.
fn is_of(certificate: &Certificate<'_>, key: &dyn SigningKey) -> bool {
    let public = key.public_key();
    public.is_some_and(|public| public.as_ref() == certificate.public_key().as_ref())
}

/// Why clients would refuse this certificate now.
fn objection(certificate: &Certificate<'_>) -> Option<Reason> {
    Some(match certificate.objection_at(UnixTime::now())? {
        Objection::Expired(since) => Reason::Expired(shown(since)),
        Objection::NotYetValid(until) => Reason::NotYetValid(shown(until)),
        Objection::NeverValid => Reason::NeverValid,
        Objection::NotForServers => Reason::NotForServers,
    })
}

//! What a certificate says of itself: when it is valid, and for whom. Whether somebody trusts it is the
//! clients' business.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, Error, KeyUsage};

/// Why every client would refuse a certificate.
pub(super) enum Objection {
    Expired(UnixTime),
    NotYetValid(UnixTime),
    /// It ends before it begins.
    NeverValid,
    /// It is for something else: for clients, for mail.
    NotForServers,
}

/// A server's own certificate.
pub(super) struct Certificate<'a>(EndEntityCert<'a>);

impl<'a> Certificate<'a> {
    /// # Errors
    /// What makes it unreadable.
    pub(super) fn parse(der: &'a CertificateDer<'_>) -> Result<Self, Error> {
        EndEntityCert::try_from(der).map(Self)
    }

    /// The one that is shown first.
    pub(super) fn of(certified: &'a CertifiedKey) -> Option<Self> {
        Self::parse(certified.cert.first()?).ok()
    }

    /// Its public key, in DER.
    pub(super) fn public_key(&self) -> SubjectPublicKeyInfoDer<'static> {
        self.0.subject_public_key_info()
    }

    /// Why it is no server's at `time`, as far as it says so itself.
    pub(super) fn objection_at(&self, time: UnixTime) -> Option<Objection> {
        // Validity and purpose are looked at before anything else. Nobody is trusted here, so that it
        // always ends in an error: with "unknown issuer", if there is nothing to object to.
        let usage = KeyUsage::server_auth();
        match self.0.verify_for_usage(&[], &[], &[], time, usage, None, None).err()? {
            Error::CertExpired { not_after, .. } => Some(Objection::Expired(not_after)),
            Error::CertNotValidYet { not_before, .. } => Some(Objection::NotYetValid(not_before)),
            Error::InvalidCertValidity => Some(Objection::NeverValid),
            Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
                Some(Objection::NotForServers)
            }
            _ => None,
        }
    }

    /// The last moment at which it is valid.
    pub(super) fn expires(&self) -> Option<UnixTime> {
        // Nothing is valid at the end of time, and it says since when.
        let never = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        match self.objection_at(never) {
            Some(Objection::Expired(since)) => Some(since),
            _ => None,
        }
    }

    /// Whether it is for a host that is called by this address.
    pub(super) fn is_for(&self, address: IpAddr) -> bool {
        self.0.verify_is_valid_for_subject_name(&ServerName::from(address)).is_ok()
    }

    /// A host that it is for.
    pub(super) fn host(&self) -> Option<String> {
        let mut names = self.0.valid_dns_names();
        let first = names.next()?;
        // Any one label may stand in the place of the star.
        let host = names.find(|name| !name.starts_with('*')).filter(|_| first.starts_with('*'));
        Some(host.map_or_else(|| first.replacen('*', "www", 1), str::to_owned))
    }
}

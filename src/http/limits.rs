//! How often one may ask: clients by their token, others by their address, and those who show wrong
//! tokens less often than both. What is too much is answered 429 (RFC 6585).

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::address::{Sender, Source};
use super::buckets::{Buckets, Key, Rate, Standing};
use super::problem::{Problem, RATE_LIMITED};
use crate::config;
use crate::domain::ClientId;
use crate::metrics::{self, Limit};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The limits that are on.
pub(super) struct Limits {
    clients: Option<Buckets<ClientId>>,
    addresses: Option<Buckets<Source>>,
    failed_tokens: Option<Buckets<Source>>,
    metrics: metrics::Limits,
}

impl Limits {
    pub(super) fn new(settings: &config::Limits, metrics: metrics::Limits) -> Self {
        let config::Limits { client_rate, address_rate, failed_token_rate, .. } = *settings;
        let twice = |rate: u32| rate.saturating_mul(2);
        let and_two_thirds = |rate: u32| rate.saturating_mul(5).div_ceil(3);
        Self {
            clients: buckets("client", client_rate, SECOND, twice),
            addresses: buckets("address", address_rate, SECOND, twice),
            failed_tokens: buckets("failed-tokens", failed_token_rate, MINUTE, and_two_thirds),
            metrics,
        }
    }

    /// A client asks for something.
    pub(super) fn client(&self, client: ClientId) -> Result<Option<Standing>, Problem> {
        let Some(buckets) = &self.clients else { return Ok(None) };
        buckets.take(client).map(Some).map_err(|standing| {
            self.metrics.refused(Limit::ClientRate);
            too_many(&standing, CLIENT)
        })
    }

    /// Somebody without a token asks for something.
    pub(super) fn address(&self, sender: Sender) -> Result<Option<Standing>, Problem> {
        let Some(buckets) = self.addresses.as_ref().filter(|_| !sender.is_local) else {
            return Ok(None);
        };
        buckets.take(sender.ip.into()).map(Some).map_err(|standing| {
            self.metrics.refused(Limit::AddressRate);
            too_many(&standing, "this address asks more often than it may without a token")
        })
    }

    /// Somebody shows a token that may be wrong. It counts as wrong until [`Self::was_good`].
    pub(super) fn unknown_token(&self, sender: Sender) -> Result<(), Problem> {
        let Some(buckets) = &self.failed_tokens else { return Ok(()) };
        buckets.take(sender.ip.into()).map(drop).map_err(|standing| {
            self.metrics.refused(Limit::FailedTokenRate);
            too_many(&standing, "too many tokens from this address were not known")
        })
    }

    /// The token was right, or nobody can tell: it counts no more.
    pub(super) fn was_good(&self, sender: Sender) {
        if let Some(buckets) = &self.failed_tokens {
            buckets.give_back(sender.ip.into());
        }
    }
}

/// `None` for no limit.
fn buckets<K: Key>(
    name: &'static str,
    rate: u32,
    period: Duration,
    burst: impl Fn(u32) -> u32,
) -> Option<Buckets<K>> {
    let events = NonZeroU32::new(rate)?;
    Some(Buckets::new(name, Rate { events, period, burst: NonZeroU32::new(burst(rate))? }))
}

/// A refusal, for readers.
pub(super) fn example() -> Problem {
    let standing = Standing {
        policy: HeaderValue::from_static("\"client\";q=100;w=2"),
        limit: HeaderValue::from_static("\"client\";r=0;t=1"),
        wait: 1,
    };
    too_many(&standing, CLIENT)
}

const CLIENT: &str = "this client asks more often than it may";

/// The refusal of one who stands like this.
fn too_many(standing: &Standing, what: &str) -> Problem {
    let Standing { policy, limit, wait } = standing;
    let seconds = if *wait == 1 { "second" } else { "seconds" };
    Problem::new(&RATE_LIMITED, format!("{what}; try again in {wait} {seconds}"))
        .header(header::RETRY_AFTER, (*wait).into())
        .header(RATE_LIMIT, limit.clone())
        .header(RATE_LIMIT_POLICY, policy.clone())
}

/// Tells one who was let in how it stands.
pub(super) fn tell(standing: Standing, headers: &mut HeaderMap) {
    headers.insert(RATE_LIMIT, standing.limit);
    headers.insert(RATE_LIMIT_POLICY, standing.policy);
}

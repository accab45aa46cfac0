//! What one caller may ask for, how long a peer may take, and whose word is taken about where a
//! request comes from.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::Uri;
use ipnet::IpNet;

use super::{seconds, whole};

/// The most that a rate can be set to: more than one machine can answer.
const MOST: u32 = 1_000_000;

/// Limits of the service.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    /// Most requests a second of one client (one token); 0: no limit
    ///
    /// Twice as many may come at once. What is too much is answered 429. Off by default: tokens are
    /// in the hands of the shop's own programs, and the queue bounds what those can cost.
    #[arg(long, env = "BOOKSTORE_CLIENT_RATE", default_value_t = 0, value_parser = whole::<u32>(0, MOST), value_name = "N")]
    pub client_rate: u32,

    /// Most requests a second without a token from one address; 0: no limit
    ///
    /// Twice as many may come at once. What is too much is answered 429. Of IPv6, 64 bits count as
    /// one address. Does not hold for this machine's own loopback addresses, unless they are a
    /// --trusted-proxy: then for the addresses that it names.
    #[arg(long, env = "BOOKSTORE_ADDRESS_RATE", default_value_t = 100, value_parser = whole::<u32>(0, MOST), value_name = "N")]
    pub address_rate: u32,

    /// Most tokens a minute that one address may get wrong; 0: no limit
    ///
    /// Two thirds more may come at once. Past it every token from there that was not found good
    /// lately is answered 429, without a look into the database.
    #[arg(long, env = "BOOKSTORE_FAILED_TOKEN_RATE", default_value_t = 60, value_parser = whole::<u32>(0, MOST), value_name = "N")]
    pub failed_token_rate: u32,

    /// Address or network of a proxy whose X-Forwarded-For is believed; may be given several times
    ///
    /// A request then comes from the last address in that header that is no such proxy. From any
    /// other peer the header is ignored. The proxy must add the address that it sees.
    #[arg(
        long = "trusted-proxy",
        env = "BOOKSTORE_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_parser = network,
        value_name = "NETWORK"
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// Origin whose pages may use the API in a browser (CORS); may be given several times
    ///
    /// For instance `https://shop.example`. Without any, browsers keep other sites' pages out.
    #[arg(
        long = "cors-origin",
        env = "BOOKSTORE_CORS_ORIGINS",
        value_delimiter = ',',
        value_parser = Origin::parse,
        value_name = "ORIGIN"
    )]
    pub cors_origins: Vec<Origin>,

    /// Most connections at once; more wait until one closes
    #[arg(long, env = "BOOKSTORE_MAX_CONNECTIONS", default_value_t = 8_192, value_parser = whole::<u32>(1, MOST), value_name = "N")]
    pub max_connections: u32,

    /// Most connections at once from one address, so that nobody takes them all; 0: no limit
    ///
    /// One more is closed at once. Does not hold for loopback addresses and trusted proxies.
    #[arg(long, env = "BOOKSTORE_ADDRESS_CONNECTIONS", default_value_t = 256, value_parser = whole::<u32>(0, MOST), value_name = "N")]
    pub address_connections: u32,

    /// Seconds that a peer has to send the headers of a request
    ///
    /// How large they may be is fixed: 128 KiB and 96 headers.
    #[arg(long, env = "BOOKSTORE_HEADER_TIMEOUT", default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub header_timeout: Duration,

    /// Seconds that a peer has to send the body of a request; then the answer is 408
    #[arg(long, env = "BOOKSTORE_BODY_TIMEOUT", default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub body_timeout: Duration,

    /// Seconds for which a connection without a request is kept; 0: it closes after each answer
    #[arg(long, env = "BOOKSTORE_KEEP_ALIVE", default_value = "75", value_parser = seconds_or_none, value_name = "SECONDS")]
    pub keep_alive: Duration,

    /// Seconds after which a peer that does not read its answer is cut off
    #[arg(long, env = "BOOKSTORE_WRITE_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub write_timeout: Duration,
}

/// A whole number of seconds from 0 to 3,600.
fn seconds_or_none(text: &str) -> Result<Duration, String> {
    whole::<u64>(0, 3_600)(text)
        .map(Duration::from_secs)
        .map_err(|_| "must be a whole number of seconds from 0 to 3600, for instance 75".to_owned())
}

/// An address, or a network without an address within it.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        "must be an IP address or a network, for instance 127.0.0.1, 10.0.0.0/8 or fd00::/8"
            .to_owned()
    })?;
    if network.prefix_len() == 0 {
        return Err("would believe everybody: name the proxies alone, for instance 10.0.0.5".into());
    }
    if network.addr().to_canonical() != network.addr() {
        return Err(format!("must be written as IPv4: {}", network.addr().to_canonical()));
    }
    match network.trunc() {
        all if all == network => Ok(network),
        all => Err(format!(
            "is an address within a network: write {all} for all of it, {} for the address alone",
            network.addr()
        )),
    }
}

/// What a browser calls a site: scheme, host, and port if it is not the usual one (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Takes an origin exactly as browsers send it: any other text would never match.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match canonical(text) {
            Some(right) if right == text => Ok(Self(right)),
            Some(right) => Err(format!("must be written as browsers send it: {right}")),
            None => Err("must be scheme and host of a site as browsers send them, for instance \
                         https://shop.example or http://localhost:3000; every site that is meant \
                         has to be named"
                .to_owned()),
        }
    }

    /// The origin as browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn canonical(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let host = uri.host().filter(|host| !host.is_empty() && !host.contains('*'))?;
    let host = host.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(match uri.port_u16() {
        Some(port) if port != usual => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_whole_network() {
        for (text, network_) in [
            ("127.0.0.1", "127.0.0.1/32"),
            (" 10.0.0.0/8 ", "10.0.0.0/8"),
            ("::1", "::1/128"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(network(text).map(|it| it.to_string()), Ok(network_.to_owned()));
        }
        for (text, right) in [
            ("", "10.0.0.0/8"),
            ("proxy.example", "10.0.0.0/8"),
            ("10.0.0.0/33", "10.0.0.0/8"),
            ("10.1.2.3/8", "write 10.0.0.0/8"),
            ("0.0.0.0/0", "everybody"),
            ("::/0", "everybody"),
            ("::ffff:10.0.0.5", "10.0.0.5"),
        ] {
            let error = network(text).unwrap_err();
            assert!(error.contains(right), "{text}: {error}");
        }
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for text in ["https://shop.example", "http://localhost:3000", "http://[::1]:8000"] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), text);
        }
        for (text, right) in [
            ("https://shop.example/", "https://shop.example"),
            ("https://Shop.Example", "https://shop.example"),
            ("https://shop.example:443", "https://shop.example"),
            ("https://me@shop.example/page", "https://shop.example"),
            ("shop.example", "for instance"),
            ("*", "for instance"),
            ("https://*.shop.example", "for instance"),
            ("null", "for instance"),
            ("ftp://shop.example", "for instance"),
            ("", "for instance"),
        ] {
            let error = Origin::parse(text).unwrap_err();
            assert!(error.contains(right), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_setting_that_is_read_back_or_refused(
            text in ".{0,30}|[0-9a-f:./]{0,20}|https?://[a-zA-Z0-9.:/@-]{0,20}",
        ) {
            if let Ok(network_) = network(&text) {
                prop_assert_eq!(network(&network_.to_string()), Ok(network_));
            }
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(origin.as_str()), Ok(origin.clone()));
            }
            if let Ok(currency) = crate::config::Currency::parse(&text) {
                prop_assert_eq!(currency.as_str(), &text);
            }
            if let Ok(address) = crate::config::address(&text) {
                prop_assert_eq!(crate::config::address(&address.to_string()), Ok(address));
            }
            if let Ok(number) = whole::<u32>(1, 1_000)(&text) {
                prop_assert!((1..=1_000).contains(&number));
                prop_assert_eq!(text.trim().trim_start_matches('+').parse(), Ok(number));
            }
            let _ = (seconds(&text), seconds_or_none(&text));
        }
    }
}

//! Where a request comes from. A proxy says that in X-Forwarded-For; it is believed of those proxies
//! that the operator named, and of nobody else, who could write anything there.

use std::net::{IpAddr, SocketAddr};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who sent a request, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sender {
    /// Its address.
    pub(super) ip: IpAddr,
    /// Whether it is a program on this machine, and no proxy that was named. It may still be a proxy:
    /// to limit this address would be to limit everybody behind it.
    pub(super) is_local: bool,
}

/// The peers whose word about a sender's address is believed.
#[derive(Debug, Clone)]
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(super) fn new(trusted: &[IpNet]) -> Self {
        Self(trusted.to_vec())
    }

    /// Whether `ip` is such a peer.
    pub(super) fn contain(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// Who sent `request`; `None` if it came over no network.
    pub(super) fn sender_of(&self, request: &ServiceRequest) -> Option<Sender> {
        Some(self.sender(request.peer_addr()?.ip(), request.headers()))
    }

    /// Walks from the peer towards the sender for as long as each hop is a trusted proxy, whose word
    /// for the hop before it is good. The first that is not is the sender; what stands before it in
    /// the header is what the sender says.
    fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> Sender {
        // A listener on [::] sees IPv4 as ::ffff:1.2.3.4.
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            return Sender { ip: peer, is_local: peer.is_loopback() };
        }
        let mut ip = peer;
        for hop in hops(headers) {
            // Past what cannot be read nothing is known.
            let Some(hop) = hop else { break };
            ip = hop;
            if !self.contain(hop) {
                break;
            }
        }
        Sender { ip, is_local: false }
    }
}

/// The hops of X-Forwarded-For, the nearest first. Several headers are one list.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let values = headers.get_all(FORWARDED_FOR).rev();
    values.flat_map(|value| text_of(value).rsplit(',').map(hop))
}

/// What is no text is one hop that cannot be read.
fn text_of(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// An address, which some proxies write with the port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|ip| ip.to_canonical())
}

/// What limits take for one place: an IPv4 address, or the 64 bits of IPv6 that a single customer has
/// at the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Source(u128);

impl From<IpAddr> for Source {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.to_ipv6_mapped().to_bits()),
            IpAddr::V6(ip) => Self(ip.to_bits() & !u128::from(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn sender(trusted: &[&str], peer: &str, forwarded: &[&str]) -> Sender {
        let networks = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Proxies(networks).sender(peer.parse().unwrap(), &headers)
    }

    fn ip(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        sender(trusted, peer, forwarded).ip.to_string()
    }

    #[test]
    fn a_peer_that_is_no_proxy_speaks_for_itself_alone() {
        assert_eq!(ip(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(ip(&["10.0.0.0/8"], "203.0.113.9", &["10.0.0.1"]), "203.0.113.9");
        assert_eq!(ip(&["10.0.0.0/8"], "::ffff:203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn a_proxy_speaks_for_the_last_hop_that_is_no_proxy() {
        let proxies = &["10.0.0.0/8", "fd00::/8"];
        for (forwarded, sender) in [
            (&["198.51.100.1"][..], "198.51.100.1"),
            // What the sender itself wrote stands first.
            (&["127.0.0.1, 1.2.3.4, 198.51.100.1"], "198.51.100.1"),
            (&["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
            (&["1.2.3.4, 198.51.100.1, 10.0.0.7", " fd00::5 "], "198.51.100.1"),
            (&["198.51.100.1:5678"], "198.51.100.1"),
            (&["[2001:db8::1]:5678"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
            // All are proxies: the farthest one.
            (&["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
            // Nothing is known before the first hop that cannot be read.
            (&["198.51.100.1, unknown"], "10.0.0.5"),
            (&["198.51.100.1, unknown, 10.0.0.7"], "10.0.0.7"),
            (&["198.51.100.1, é, 10.0.0.7"], "10.0.0.5"),
            (&[""], "10.0.0.5"),
            (&[","], "10.0.0.5"),
            (&[], "10.0.0.5"),
        ] {
            assert_eq!(ip(proxies, "10.0.0.5", forwarded), sender, "{forwarded:?}");
            assert_eq!(ip(proxies, "::ffff:10.0.0.5", forwarded), sender, "{forwarded:?}");
        }
    }

    #[test]
    fn this_machine_is_local_until_it_is_said_to_be_a_proxy() {
        for peer in ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"] {
            assert!(sender(&[], peer, &[]).is_local, "{peer}");
            assert!(!sender(&["127.0.0.0/8", "::1/128"], peer, &[]).is_local, "{peer}");
        }
        assert!(!sender(&[], "203.0.113.9", &["127.0.0.1"]).is_local);
        let forged = sender(&["10.0.0.0/8"], "10.0.0.5", &["127.0.0.1"]);
        assert_eq!(forged, Sender { ip: "127.0.0.1".parse().unwrap(), is_local: false });
    }

    #[test]
    fn ipv6_counts_by_64_bits_and_ipv4_by_the_address() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("203.0.113.9"), source("::ffff:203.0.113.9"));
        assert_ne!(source("203.0.113.9"), source("203.0.113.8"));
    }

    fn any_ip() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<Ipv4Addr>().prop_map(IpAddr::V4),
            any::<Ipv6Addr>().prop_map(IpAddr::V6),
            any::<Ipv4Addr>().prop_map(|ip| IpAddr::V6(ip.to_ipv6_mapped())),
        ]
    }

    /// An address in one of the ways in which proxies write it.
    fn written(ip: IpAddr, port: Option<u16>, is_in_brackets: bool) -> String {
        match (ip, port) {
            (ip, Some(port)) => SocketAddr::new(ip, port).to_string(),
            (IpAddr::V6(ip), None) if is_in_brackets => format!("[{ip}]"),
            (ip, None) => ip.to_string(),
        }
    }

    /// The address in `text`, told by its punctuation.
    fn by_punctuation(text: &str) -> Option<IpAddr> {
        let text = text.trim();
        let (host, port) = match text.strip_prefix('[') {
            Some(text) => text.split_once(']')?,
            None if text.matches(':').count() == 1 => text.split_at(text.find(':')?),
            None => (text, ""),
        };
        let is_port = |port: &str| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        };
        let is_v4_in_brackets = text.starts_with('[') && host.parse::<Ipv4Addr>().is_ok();
        let is_right =
            port.is_empty() || port.strip_prefix(':').is_some_and(is_port) && !is_v4_in_brackets;
        host.parse().ok().filter(|_| is_right).map(|ip: IpAddr| ip.to_canonical())
    }

    /// What can stand in a header.
    fn any_byte() -> impl Strategy<Value = u8> {
        prop_oneof![b' '..=b'~', b'\x80'..=b'\xff']
    }

    proptest! {
        #[test]
        fn any_address_is_read_however_a_proxy_writes_it(
            ip in any_ip(), port in any::<Option<u16>>(), is_in_brackets in any::<bool>(), space in "[ \t]{0,2}",
        ) {
            let text = format!("{space}{}{space}", written(ip, port, is_in_brackets));
            prop_assert_eq!(hop(&text), Some(ip.to_canonical()), "{}", text);
        }

        #[test]
        fn any_text_is_one_address_or_none(
            text in prop_oneof![
                ".{0,20}",
                "[0-9a-f:.\\[\\]]{0,30}",
                "\\[?(::ffff:)?([0-9]{1,3}\\.){3}[0-9]{1,3}\\]?(:[0-9]{0,6})?",
                "\\[?[0-9a-f]{0,4}(:[0-9a-f]{0,4}){1,3}::([0-9a-f]{1,4})?\\]?(:[0-9]{0,6})?",
            ],
        ) {
            prop_assert_eq!(hop(&text), by_punctuation(&text));
        }

        #[test]
        fn any_chain_ends_at_its_first_hop_that_is_no_proxy_whatever_stands_before_it(
            farther in prop::collection::vec(prop::collection::vec(any_byte(), 0..20), 0..3),
            before in "([ -~]{0,20},)?",
            sender in prop_oneof![any_ip().prop_map(Some), Just(None)],
            proxies in prop::collection::vec((any::<u8>(), any::<bool>()), 0..4),
        ) {
            let mut values = farther;
            let text = sender.map_or("unknown".to_owned(), |ip| ip.to_string());
            values.push((before + &text).into_bytes());
            for (host, is_in_same_header) in &proxies {
                let proxy = format!("10.0.0.{host}");
                match values.last_mut().filter(|_| *is_in_same_header) {
                    Some(value) => value.extend(format!(", {proxy}").into_bytes()),
                    None => values.push(proxy.into_bytes()),
                }
            }
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(FORWARDED_FOR, HeaderValue::from_bytes(&value).unwrap());
            }
            let trusted = Proxies(vec!["10.0.0.0/8".parse().unwrap()]);
            let sender = sender.map(|ip| ip.to_canonical());
            prop_assume!(sender.is_none_or(|ip| !trusted.contain(ip)));

            let peer = Ipv4Addr::new(10, 1, 1, 1);
            let farthest = proxies.first().map_or(peer, |(host, _)| Ipv4Addr::new(10, 0, 0, *host));
            let ip = sender.unwrap_or(farthest.into());
            prop_assert_eq!(trusted.sender(peer.into(), &headers), Sender { ip, is_local: false });
            // The same in the mouth of somebody who is no proxy.
            let nobody = IpAddr::from([203, 0, 113, 9]);
            prop_assert_eq!(trusted.sender(nobody, &headers).ip, nobody);
        }
    }
}

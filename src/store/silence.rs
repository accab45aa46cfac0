//! How long a PostgreSQL server that says nothing is believed to be alive.
//!
//! A server that dies closes its connections. One that loses its power or its network says nothing, and
//! the kernel waits for it: a quarter of an hour for what was sent, two hours for an answer. A shop whose
//! standby has taken over long ago would hang for as long. What the URL, or libpq's environment, says of
//! it goes before what is here.

use super::encryption::Parameters;

/// Parameter of libpq, what it is if nobody says otherwise, and the environment variable behind it. Together
/// they give a silent server up within eight seconds: `tcp_user_timeout` (milliseconds) is for what was
/// sent, and `keepalives` (seconds) for an answer that is waited for. `connect_timeout` (seconds) is for
/// each of a URL's hosts, so that a dead one does not keep a request from the next.
const PATIENCE: [(&str, &str, Option<&str>); 5] = [
    ("connect_timeout", "2", Some("PGCONNECT_TIMEOUT")),
    ("keepalives_idle", "4", None),
    ("keepalives_interval", "1", None),
    ("keepalives_count", "4", None),
    ("tcp_user_timeout", "8000", None),
];

/// `url` with what it leaves open. `variable` looks into the environment.
pub(super) fn bounded(url: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let parameters = Parameters::of(url);
    let is_open = |(name, _, known): &&(&str, &str, Option<&str>)| {
        let is_said = known.and_then(&variable).is_some_and(|value| !value.is_empty());
        parameters.last(name).is_none() && !is_said
    };
    let mut bounded = url.to_owned();
    for (name, value, _) in PATIENCE.iter().filter(is_open) {
        // The last ? or & may be there already, with nothing after it.
        let joint = match bounded.split_once('?') {
            None => "?",
            Some((_, rest)) if rest.is_empty() || rest.ends_with('&') => "",
            Some(_) => "&",
        };
        bounded = format!("{bounded}{joint}{name}={value}");
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "connect_timeout=2&keepalives_idle=4&keepalives_interval=1&keepalives_count=4\
                       &tcp_user_timeout=8000";

    #[test]
    fn a_silent_server_is_given_up_unless_the_url_says_otherwise() {
        let nothing = |_: &str| None;
        for (url, joint) in [
            ("postgres://h/d", "?"),
            ("postgres://a:1,b:2", "?"),
            ("postgres://a:1,b:2/d?target_session_attrs=read-write", "&"),
            ("postgres://h/d?", ""),
            ("postgres://h/d?x=1&", ""),
        ] {
            assert_eq!(bounded(url, nothing), format!("{url}{joint}{ALL}"));
        }
        let url = "postgres://h/d?connect_timeout=30&tcp_user_timeout=0";
        let rest = "&keepalives_idle=4&keepalives_interval=1&keepalives_count=4";
        assert_eq!(bounded(url, nothing), format!("{url}{rest}"));
    }

    #[test]
    fn the_environment_goes_before_what_is_built_in() {
        let variable = |name: &str| (name == "PGCONNECT_TIMEOUT").then(|| "9".to_owned());
        let bounded = bounded("postgres://h/d", variable);
        assert!(!bounded.contains("connect_timeout"), "{bounded}");
        assert!(bounded.contains("tcp_user_timeout=8000"), "{bounded}");
    }
}

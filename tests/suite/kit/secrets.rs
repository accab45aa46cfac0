//! What must be in nothing that the program says, whatever a test does to it.

use reqwest::Url;

use super::Backend;

/// How every token begins.
const TOKEN: &str = "bks_";

/// Demands that `log` holds neither a token nor the password of a test's database.
#[track_caller]
pub fn assert_none_in(log: &str) {
    let passwords = Backend::SERVERS.iter().filter_map(|backend| {
        let url = Url::parse(&backend.server_url()?).ok()?;
        url.password().map(str::to_owned)
    });
    for secret in passwords.chain([TOKEN.to_owned()]).filter(|secret| !secret.is_empty()) {
        let leak = log.lines().find(|line| line.contains(&secret));
        assert_eq!(leak, None, "the log holds a secret");
    }
}

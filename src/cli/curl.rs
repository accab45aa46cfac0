//! How curl reaches the service: what to type so that it works as it is pasted, also over HTTPS and
//! whatever name the certificate is for.

use std::net::SocketAddr;

use bookstore::http::Tls;
use bookstore::http::tls::Name;

/// The service as curl is to call it.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) scheme: &'static str,
    /// Without a path.
    pub(super) url: String,
    /// Options that go before it, each followed by a space.
    pub(super) options: String,
    /// What is to be put in by hand.
    pub(super) note: Option<&'static str>,
}

impl Way {
    /// To the service at `address`.
    pub(super) fn to(address: SocketAddr, tls: Option<&Tls>) -> Self {
        let Some(tls) = tls else {
            let url = format!("http://{address}");
            return Self { scheme: "http", url, options: String::new(), note: None };
        };
        // Works whoever signed the certificate: curl trusts what is in the file, root or not.
        let file = tls.certificate_file();
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let trust = format!("--cacert {} ", quoted(&file.to_string_lossy()));
        let port = address.port();
        let (url, detour, note) = match tls.name_of(address.ip()) {
            Name::Address => (format!("https://{address}"), String::new(), None),
            Name::Dns(host) => (format!("https://{host}:{port}"), detour(address), None),
            Name::Unknown => (format!("https://NAME:{port}"), detour(address), Some(NOTE)),
        };
        Self { scheme: "https", url, options: format!("{trust}{detour}"), note }
    }
}

const NOTE: &str = "Put a name that the certificate is for in the place of NAME.";

/// Lets curl connect to `address`, whatever the URL's host resolves to.
fn detour(address: SocketAddr) -> String {
    format!("--connect-to '::{address}' ")
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_stays_one_word() {
        for (text, word) in [
            ("/etc/bookstore/tls.pem", "/etc/bookstore/tls.pem"),
            ("/home/me/my shop/tls.pem", "'/home/me/my shop/tls.pem'"),
            ("/it's $HOME", r"'/it'\''s $HOME'"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }
}

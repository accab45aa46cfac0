//! What is secret in a database URL, and must not be in what is said about it.

/// Stands where a secret was.
const CONCEALED: &str = "(concealed)";

/// Parameters of a URL whose values are secret.
const SECRET_PARAMETERS: [&str; 2] = ["password", "sslpassword"];

/// What was `said`, without the passwords in `url`: client libraries repeat parts of a URL that they
/// cannot read.
pub(super) fn conceal(url: &str, said: &str) -> String {
    let mut secrets = of(url);
    // The longest first: a shorter one may be a part of it.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.iter().fold(said.to_owned(), |said, secret| said.replace(secret, CONCEALED))
}

/// Every password in `url`, as it stands there, as it is meant, and its parts, should it have been taken
/// for several things.
fn of(url: &str) -> Vec<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    // A slash in a password that should have been written %2F ends the authority for a library, not for
    // us.
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map(|(_, password)| password);
    let secrets = parameters.split('&').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        SECRET_PARAMETERS.contains(&name).then_some(value)
    });
    let secrets = password.into_iter().chain(secrets);
    let mut all = Vec::new();
    for secret in secrets {
        all.extend([secret.to_owned(), decode(secret)]);
        all.extend(secret.split(['@', ':', '/', '?', '&', '=', '#']).map(str::to_owned));
    }
    // One character is no secret, and without it nothing would be left of a message.
    all.retain(|secret| secret.chars().count() > 1);
    all
}

/// Percent-decoded as far as that goes.
pub(super) fn decode(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((16 * high + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_holds_no_part_of_a_password() {
        for (url, said) in [
            ("postgres://u:s3cr%zzet@h/d", "invalid percent-encoded token: \"s3cr%zzet\""),
            ("postgres://u:s3cret%21@h/d", "password \"s3cret!\" is too short"),
            ("postgres://u:pass/s3cret@h/d", "invalid port: \"pass\""),
            ("postgres://u@h/d?password=s3cret&x=1", "extra key/value separator: s3cret"),
            ("mysql://u:p@ss@s3cret@h/d", "cannot reach ss@s3cret@h"),
        ] {
            let shown = conceal(url, said);
            assert!(shown.contains(CONCEALED), "{shown}");
            assert!(!shown.contains("s3cr") && !shown.contains("pass\""), "{shown}");
        }
    }

    #[test]
    fn what_has_no_secret_is_said_as_it_is() {
        for url in
            ["postgres://h/d", "postgres://u@h/d?sslmode=require", "postgres://u:d@h/d", "books.db"]
        {
            assert_eq!(conceal(url, "d of u at h is away"), "d of u at h is away");
        }
    }
}

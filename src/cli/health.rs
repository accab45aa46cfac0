//! `bookstore health`: the question that a container engine or a script asks, without curl.

mod tls;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use bookstore::config;

use super::Failure;

/// Tell whether the service on this machine is ready to sell
///
/// Asks the service that listens on this address for /readyz: its till is open, its
/// database is reachable and its schema current. Meant for the health check of a container and for scripts.
///
/// Exit code: 0 it is ready, 1 it is not, or nobody answers, 2 wrong usage or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Health {
    /// The address that the service listens on
    ///
    /// Of one that listens on every address of the machine (0.0.0.0 or [::]) the loopback is asked.
    #[arg(
        long,
        env = "BOOKSTORE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_parser = config::address,
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,

    /// The certificate of a service that speaks TLS; it is asked by TLS, whatever the file holds
    #[arg(long, env = "BOOKSTORE_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore health && echo open for business
  until bookstore health; do sleep 1; done     wait for a service that starts";

/// How long each step of asking may take: a service that needs longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// More than the answer has; an answer without end is not one.
const MAX_ANSWER: u64 = 16 * 1024;

pub(super) fn run(args: &Health) -> Result<bool, Failure> {
    let address = reachable(args.listen);
    let (is_ready, said) = match ask(address, args.tls_cert.is_some()) {
        Ok(answer) => (answer.starts_with("HTTP/1.1 200 "), summary(&answer)),
        Err(error) => (false, format!("nobody answers: {error}")),
    };
    let verdict = if is_ready { "ready" } else { "not ready" };
    writeln!(io::stdout(), "{address} is {verdict}: {said}")?;
    Ok(is_ready)
}

/// Where a service that listens on `address` is reached from its own machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(address: SocketAddr, by_tls: bool) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if by_tls { ask_over(tls::over(stream)?, address) } else { ask_over(stream, address) }
}

fn ask_over(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<String> {
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    match stream.take(MAX_ANSWER).read_to_end(&mut answer) {
        // Whoever ends a TLS connection without a farewell may have said all there was to say.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// The status line and the body.
fn summary(answer: &str) -> String {
    if !answer.starts_with("HTTP/") {
        return "what answers speaks no HTTP; if it speaks HTTPS, set --tls-cert as for the service"
            .to_owned();
    }
    let status = answer.lines().next().unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    format!("{status} {body}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_listens_everywhere_is_asked_on_the_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}

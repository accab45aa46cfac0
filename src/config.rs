//! Every setting, in one struct, from flags, the environment and `.env`, in this order.

mod limits;
mod tls;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

pub use self::tls::Tls;
use crate::store::{self, Backend, DatabaseUrl};
use crate::{http, log, till};
pub use limits::{Limits, Origin};

/// The database of a store that nobody configured.
pub const EMBEDDED_DEFAULT: &str = "sqlite://bookstore.db";

/// A whole number of seconds from 1 to 3,600.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=3_600) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be a whole number of seconds from 1 to 3600, for instance 10".to_owned()),
    }
}

/// A parser of whole numbers from `min` to `max` that says what would be right.
fn whole<T>(min: T, max: T) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| match text.trim().parse::<T>() {
        Ok(number) if min <= number && number <= max => Ok(number),
        _ => Err(format!("must be a whole number from {min} to {max}")),
    }
}

/// An address with a port, as numbers: which of a name's addresses is meant would be a guess.
///
/// # Errors
/// What would be right.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "must be an IP address and a port, for instance 127.0.0.1:8080, [::1]:8080, or \
         0.0.0.0:8080 for every address of this machine"
            .to_owned()
    })
}

/// An ISO 4217 code, such as EUR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency(String);

impl Currency {
    /// Takes three capital letters.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            true => Ok(Self(text.to_owned())),
            false => {
                Err("must be an ISO 4217 code of three capital letters, for instance EUR".into())
            }
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Settings of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// The database: sqlite://FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://...
    ///
    /// Without it the store keeps its books in bookstore.db in the working directory. TLS to a server:
    /// ?sslmode=verify-full&sslrootcert=FILE for PostgreSQL, in a build with the system's libpq; ?ssl_ca=FILE
    /// for MySQL and MariaDB.
    // Parsed later: clap would repeat a wrong value, and with it a password.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// A file of settings, a line NAME=value for each, instead of .env in the working directory
    ///
    /// For a service whose settings lie elsewhere. This file must be there; .env need not.
    // Read before clap sees the environment; here for the help.
    #[arg(long, env = "BOOKSTORE_ENV_FILE", global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,

    /// Which log lines to write to standard error, as a tracing filter: info, debug, bookstore=debug
    #[arg(
        long,
        env = "BOOKSTORE_LOG",
        default_value = "info",
        global = true,
        value_name = "FILTER"
    )]
    pub log: String,

    /// How log lines look [default: text at a terminal, else json]
    #[arg(long, env = "BOOKSTORE_LOG_FORMAT", global = true, value_name = "FORMAT")]
    pub log_format: Option<log::Format>,
}

impl Common {
    /// Starts to write log lines to standard error. Once a process.
    ///
    /// # Errors
    /// What is wrong with the filter and what would be right.
    pub fn start_log(&self) -> Result<(), String> {
        let filter = EnvFilter::try_new(&self.log).map_err(|error| {
            format!("--log / BOOKSTORE_LOG: {error}; try info, debug or bookstore=debug")
        })?;
        log::start(filter, self.log_format);
        Ok(())
    }

    /// The database, and whether it is the embedded default that nobody asked for.
    ///
    /// # Errors
    /// What is wrong with the setting and what would be right, without repeating a password.
    pub fn database(&self) -> Result<(DatabaseUrl, bool), String> {
        match &self.database_url {
            Some(url) => DatabaseUrl::parse(url)
                .map(|url| (url, false))
                .map_err(|error| format!("--database-url / DATABASE_URL: {error}")),
            None => DatabaseUrl::parse(EMBEDDED_DEFAULT).map(|url| (url, true)).map_err(|error| {
                format!("set DATABASE_URL: the default is {EMBEDDED_DEFAULT}, but {error}")
            }),
        }
    }
}

/// Settings of the service.
#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "BOOKSTORE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_parser = address,
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Address and port of the page /metrics for Prometheus; without it there is none
    ///
    /// It tells how the shop is doing, and asks nobody for a token: let it listen where only
    /// Prometheus gets to.
    #[arg(long, env = "BOOKSTORE_METRICS_LISTEN", value_parser = address, value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// The store's one currency, an ISO 4217 code
    #[arg(long, env = "BOOKSTORE_CURRENCY", default_value = "EUR", value_parser = Currency::parse, value_name = "CODE")]
    pub currency: Currency,

    /// Database connections for reads
    #[arg(long, env = "BOOKSTORE_READ_CONNECTIONS", default_value_t = 8, value_parser = whole::<u32>(1, 1_000), value_name = "N")]
    pub read_connections: u32,

    /// Database connections for transactions (SQLite has one writer and always uses 1)
    #[arg(long, env = "BOOKSTORE_WRITE_CONNECTIONS", default_value_t = 16, value_parser = whole::<u32>(1, 1_000), value_name = "N")]
    pub write_connections: u32,

    /// Seconds after which a request is given up with 503
    #[arg(long, env = "BOOKSTORE_REQUEST_TIMEOUT", default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub request_timeout: Duration,

    /// Most orders (or confirmations, or cancellations) that share one transaction; 1 gives each its own
    #[arg(long, env = "BOOKSTORE_BATCH_LIMIT", default_value_t = 512, value_parser = whole::<u16>(1, 4_096), value_name = "N")]
    pub batch_limit: u16,

    /// Most orders (or confirmations, or cancellations) that wait for their turn; one more is refused
    /// at once with 503
    #[arg(long, env = "BOOKSTORE_QUEUE_LIMIT", default_value_t = 4_096, value_parser = whole::<u32>(1, 1_000_000), value_name = "N")]
    pub queue_limit: u32,

    /// Threads that speak HTTP [default: one for each core]
    #[arg(long, env = "BOOKSTORE_WORKERS", value_parser = whole::<u16>(1, 1_024), value_name = "N")]
    pub workers: Option<u16>,

    /// HTTPS
    #[command(flatten)]
    pub tls: Tls,

    /// What callers may ask for. Last: its heading is that of every flag after it.
    #[command(flatten, next_help_heading = "Limits")]
    pub limits: Limits,
}

impl Serve {
    /// How the service is set up before a store of this kind.
    pub fn http(&self, backend: Backend, tls: Option<http::Tls>) -> http::Settings {
        http::Settings {
            currency: self.currency.clone(),
            write_connections: self.writers(backend),
            read_connections: self.read_connections,
            request_timeout: self.request_timeout,
            desks: self.till(),
            workers: self.workers.map(usize::from),
            limits: self.limits.clone(),
            tls,
        }
    }

    /// SQLite has one writer, whatever the setting.
    fn writers(&self, backend: Backend) -> u32 {
        if backend == Backend::Sqlite { 1 } else { self.write_connections }
    }

    /// How the till of the service is set up.
    pub fn till(&self) -> till::Settings {
        till::Settings {
            batch_limit: usize::from(self.batch_limit),
            queue_limit: self.queue_limit as usize,
        }
    }

    /// How the store behind the service is set up.
    pub fn store(&self, url: DatabaseUrl) -> store::Settings {
        store::Settings {
            read_connections: self.read_connections,
            write_connections: self.writers(url.backend()),
            url,
            request_timeout: self.request_timeout,
        }
    }
}

/// How the store behind a single command is set up: it has no neighbours, and patience.
pub fn store_for_command(url: DatabaseUrl) -> store::Settings {
    store::Settings {
        url,
        read_connections: 1,
        write_connections: 1,
        request_timeout: Duration::from_secs(60),
    }
}

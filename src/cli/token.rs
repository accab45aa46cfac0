//! `bookstore token`: who may call.

use std::io::Write;

use bookstore::domain::{ClientId, ClientName, Role};
use bookstore::store::{Store, Token, clients};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use comfy_table::{Table, presets};
use serde_json::json;

use super::{Failure, Format};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a client and print its token, alone and only this once
    ///
    /// The database keeps a SHA-256 of the token, from which nobody gets it back. Whoever loses it
    /// gets a new one.
    #[command(after_help = CREATE_AFTER_HELP)]
    Create {
        /// What the client may do: a storefront buys and sees its own orders, an admin does all
        #[arg(long, value_parser = roles())]
        role: Role,
        /// What to call it, 1 to 200 characters
        #[arg(long, value_parser = |text: &str| ClientName::parse(text))]
        name: ClientName,
    },
    /// List all clients
    #[command(after_help = LIST_AFTER_HELP)]
    List {
        /// How to write the list
        #[arg(long, default_value = "table")]
        format: Format,
    },
    /// Refuse a client's token from now on, on every instance
    #[command(after_help = REVOKE_AFTER_HELP)]
    Revoke {
        /// The client's id, as `token list` shows it
        id: i64,
    },
}

const CREATE_AFTER_HELP: &str = "\
Try it:
  bookstore token create --role storefront --name web
  TOKEN=$(bookstore token create --role admin --name office)";

const LIST_AFTER_HELP: &str = "\
Try it:
  bookstore token list
  bookstore token list --format json           for programs";

const REVOKE_AFTER_HELP: &str = "\
Try it:
  bookstore token revoke 3";

/// With the words for them in the help, in completions, and in what is said of a wrong one.
fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new([Role::Admin, Role::Storefront].map(Role::as_str))
        .try_map(|word| Role::from_word(&word).ok_or("no role of this name"))
}

pub(super) fn run(store: &Store, command: &Command) -> Result<bool, Failure> {
    match command {
        Command::Create { role, name } => create(store, *role, name),
        Command::List { format } => list(store, *format),
        Command::Revoke { id } => revoke(store, ClientId(*id)),
    }
}

fn create(store: &Store, role: Role, name: &ClientName) -> Result<bool, Failure> {
    let token = Token::generate()?;
    store.transaction(|connection| clients::create(connection, name, role, &token.hash()))?;
    writeln!(std::io::stdout(), "{}", token.reveal())?;
    Ok(true)
}

fn revoke(store: &Store, id: ClientId) -> Result<bool, Failure> {
    if !store.transaction(|connection| clients::revoke(connection, id))? {
        return Err(format!("there is no client {}; see `bookstore token list`", id.0).into());
    }
    writeln!(std::io::stdout(), "client {} is revoked", id.0)?;
    Ok(true)
}

fn list(store: &Store, format: Format) -> Result<bool, Failure> {
    let all = store.read(store.deadline(), clients::list)?;
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut out = std::io::stdout().lock();
    match format {
        Format::Json => {
            let all: Vec<_> = all
                .iter()
                .map(|one| {
                    json!({
                        "id": one.client.id,
                        "name": one.name,
                        "role": one.client.role,
                        "created_at": one.created_at,
                        "revoked_at": one.revoked_at,
                    })
                })
                .collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        }
        Format::Table => {
            let mut table = Table::new();
            table.load_preset(presets::UTF8_FULL_CONDENSED);
            table.set_header(["id", "name", "role", "created", "revoked"]);
            for one in all {
                table.add_row([
                    one.client.id.0.to_string(),
                    one.name,
                    one.client.role.to_string(),
                    time(one.created_at),
                    one.revoked_at.map(time).unwrap_or_default(),
                ]);
            }
            writeln!(out, "{table}")?;
        }
    }
    Ok(true)
}

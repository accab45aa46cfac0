//! The command line: what can be asked of `bookstore`, and the words it answers with.

mod audit;
mod completions;
mod curl;
mod environment;
mod health;
mod import;
mod man;
mod migrate;
mod race;
mod serve;
mod settings;
mod token;

use std::process::ExitCode;

use bookstore::config;
use bookstore::store::{DatabaseUrl, Store, migrations};
use clap::{CommandFactory as _, Parser, Subcommand};

/// Exit code: all is good.
const GOOD: u8 = 0;
/// Exit code: what was checked is not good.
const CHECK_FAILED: u8 = 1;
/// Exit code: wrong usage, a wrong setting, or an environment that does not serve.
const CANNOT: u8 = 2;

/// An online bookstore whose number of copies is never wrong
///
/// Sells books over a REST API and keeps count of every copy on PostgreSQL, MySQL/MariaDB or an
/// embedded SQLite, under any load, retry or crash. Without a command it serves; without any
/// setting it keeps its books in bookstore.db in the working directory.
///
/// Every setting may also stand in the environment or in a file .env in the working directory, under
/// the name in brackets; a flag wins over the environment, the environment over the file. `bookstore
/// settings` prints such a file.
///
/// Exit code: 0 good, 1 a check failed, 2 wrong usage or environment.
#[derive(Debug, Parser)]
#[command(version, about, long_about, after_help = AFTER_HELP)]
struct CommandLine {
    #[command(flatten)]
    common: config::Common,

    #[command(flatten)]
    serve: config::Serve,

    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore                                    sell sample books from bookstore.db
  bookstore token create --role admin --name office
  bookstore --database-url postgres://shop@localhost/shop migrate
  bookstore audit
  bookstore --env-file /etc/bookstore/bookstore.env audit    of the service that a package installed
  bookstore race replay                        the bug that all this is about";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST API (the default)
    ///
    /// On the embedded default database the first start creates the file, fills in sample books and
    /// prints an admin token with a ready-to-paste purchase. On a server database it never migrates
    /// by itself: run `bookstore migrate` first.
    #[command(after_help = serve::AFTER_HELP)]
    // Boxed: it has by far the most settings.
    Serve(Box<config::Serve>),
    Migrate(migrate::Migrate),
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(token::Command),
    Import(import::Import),
    Audit(audit::Audit),
    Health(health::Health),
    #[command(subcommand)]
    Race(race::Command),
    Settings(settings::Settings),
    Completions(completions::Completions),
    Man(man::Man),
}

/// How a command writes what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for people.
    Table,
    /// JSON for programs.
    Json,
}

/// Why a command could not do its work: what is wrong, and what to do about it.
type Failure = Box<dyn std::error::Error>;

/// Runs what the command line asks for and says how it ended.
pub(crate) fn run() -> ExitCode {
    // Before clap reads the environment.
    if let Err(error) = environment::load(CommandLine::command()) {
        eprintln!("error: {error}");
        return CANNOT.into();
    }
    warn_of_unknown_settings();
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are no errors; clap knows where each is to be printed.
            let code = if error.use_stderr() { CANNOT } else { GOOD };
            let _ = error.print();
            if let Some(variable) = variable_of(&error) {
                eprintln!(
                    "\nThe value may come from {variable} in the environment or in a file of settings."
                );
            }
            return code.into();
        }
    };
    match execute(line) {
        Ok(true) => GOOD.into(),
        Ok(false) => CHECK_FAILED.into(),
        Err(error) => {
            eprintln!("error: {error}");
            CANNOT.into()
        }
    }
}

/// A misspelt setting would be silently ignored.
fn warn_of_unknown_settings() {
    let command = CommandLine::command();
    let known: Vec<_> = std::iter::once(&command)
        .chain(command.get_subcommands())
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_env)
        .collect();
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // What the tests and the benchmark tell each other.
        if text.starts_with("BOOKSTORE_")
            && !text.starts_with("BOOKSTORE_TEST_")
            && !known.contains(&name.as_os_str())
        {
            eprintln!("warning: {text} is no setting of this program; see `bookstore --help`");
        }
    }
}

/// The environment variable behind the setting that `error` is about, if that is set.
fn variable_of(error: &clap::Error) -> Option<String> {
    use clap::error::{ContextKind, ContextValue};

    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else { return None };
    let command = CommandLine::command();
    // Written as `--listen <ADDRESS>`.
    let flag = named.split(' ').next()?.strip_prefix("--")?;
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag))?;
    let variable = argument.get_env()?;
    std::env::var_os(variable)?;
    Some(variable.to_string_lossy().into_owned())
}

fn execute(line: CommandLine) -> Result<bool, Failure> {
    line.common.start_log()?;
    // Not every command wants a database, and those that don't should not mind a wrong one.
    let database = || line.common.database();
    let url = || database().map(|(url, _)| url);
    match line.command {
        None => serve::run(database()?, &line.serve),
        Some(Command::Serve(serve)) => serve::run(database()?, &serve),
        Some(Command::Migrate(migrate)) => migrate::run(&url()?, &migrate),
        Some(Command::Token(command)) => token::run(&open(url()?)?, &command),
        Some(Command::Import(import)) => import::run(&open(url()?)?, &import),
        Some(Command::Audit(audit)) => audit::run(&open(url()?)?, &audit),
        Some(Command::Health(health)) => health::run(&health),
        Some(Command::Race(command)) => race::run(&url()?, &command),
        Some(Command::Settings(_)) => settings::run(),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
    }
}

/// Opens a store whose schema is current.
fn open(url: DatabaseUrl) -> Result<Store, Failure> {
    open_with(config::store_for_command(url))
}

fn open_with(settings: bookstore::store::Settings) -> Result<Store, Failure> {
    let store = connect(&settings)?;
    if store.read(store.deadline(), migrations::is_pending)? {
        return Err(format!(
            "{} lacks migrations that this program needs; run `bookstore migrate`",
            settings.url
        )
        .into());
    }
    Ok(store)
}

/// Opens a store whatever its schema.
fn connect(settings: &bookstore::store::Settings) -> Result<Store, Failure> {
    // Opening a file that is not there would create an empty database.
    if let Some(file) = settings.url.file()
        && !file.exists()
    {
        let shown = std::path::absolute(&file).unwrap_or(file);
        return Err(format!(
            "there is no database at {}. If a server keeps one elsewhere, run this in its folder or \
             set DATABASE_URL as it is set there; a new one is created by `bookstore migrate`",
            shown.display()
        )
        .into());
    }
    Store::open(settings).map_err(|error| {
        format!("{error}. Is the database running, and is DATABASE_URL right?").into()
    })
}

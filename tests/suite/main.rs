//! The black-box tests: the real program, over HTTP and on the command line, on every database.
//!
//! Each scenario runs once on each backend, with a database of its own. SQLite needs nothing; the
//! others need a server, named by `BOOKSTORE_TEST_POSTGRES_URL` and `BOOKSTORE_TEST_MYSQL_URL`.
//! What is missing is left out and said so, or fails with `BOOKSTORE_TEST_REQUIRE=all`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "a test binary has no crate-private parts worth telling apart")]

mod access;
mod any_text;
mod attacks;
mod audit;
mod backup;
mod bad_input;
mod bad_requests;
mod browsers;
mod caching;
mod catalogue;
mod clients;
mod clocks;
mod command_line;
mod database_tls;
mod diesel_cli;
mod documentation;
mod doubts;
mod first_run;
mod hold_races;
mod holds;
mod http;
mod idempotency;
mod import;
mod import_files;
mod import_goodbooks;
mod index;
mod inside;
mod installed;
mod kit;
mod limits;
mod locks;
mod logs;
mod operate;
mod orders;
mod outage;
mod pages;
mod patience;
mod pipelines;
mod purchases;
mod race;
mod race_replay;
mod races;
mod random;
mod restocks;
mod returns;
mod roles;
mod search;
mod siding;
mod siege;
mod slow_peers;
mod stocktakes;
mod sweeper;
mod till;
mod tls;
mod verified_database;
mod words;

use std::collections::BTreeMap;

use libtest_mimic::Trial;

use kit::{Backend, Theme};

const THEMES: &[Theme] = &[
    Theme::new("catalogue", catalogue::SCENARIOS),
    Theme::new("pages", pages::SCENARIOS),
    Theme::new("search", search::SCENARIOS),
    Theme::new("words", words::SCENARIOS),
    Theme::new("index", index::SCENARIOS),
    Theme::new("any_text", any_text::SCENARIOS),
    Theme::new("caching", caching::SCENARIOS),
    Theme::new("purchases", purchases::SCENARIOS),
    Theme::new("orders", orders::SCENARIOS),
    Theme::new("holds", holds::SCENARIOS),
    Theme::new("hold_races", hold_races::SCENARIOS),
    Theme::new("sweeper", sweeper::SCENARIOS),
    Theme::new("clocks", clocks::SCENARIOS).with(clocks::missing),
    Theme::new("returns", returns::SCENARIOS),
    Theme::new("restocks", restocks::SCENARIOS),
    Theme::new("stocktakes", stocktakes::SCENARIOS),
    Theme::new("idempotency", idempotency::SCENARIOS),
    Theme::new("access", access::SCENARIOS),
    Theme::new("roles", roles::SCENARIOS),
    Theme::new("http", http::SCENARIOS),
    Theme::new("bad_input", bad_input::SCENARIOS),
    Theme::new("bad_requests", bad_requests::SCENARIOS),
    Theme::new("siege", siege::SCENARIOS),
    Theme::new("limits", limits::SCENARIOS),
    Theme::new("browsers", browsers::SCENARIOS),
    Theme::new("slow_peers", slow_peers::SCENARIOS),
    Theme::new("pipelines", pipelines::SCENARIOS),
    Theme::new("locks", locks::SCENARIOS),
    Theme::new("races", races::SCENARIOS),
    Theme::new("attacks", attacks::SCENARIOS),
    Theme::new("random", random::SCENARIOS),
    Theme::new("race", race::SCENARIOS),
    Theme::new("race_replay", race_replay::SCENARIOS),
    Theme::new("till", till::SCENARIOS),
    Theme::new("siding", siding::SCENARIOS),
    Theme::new("inside", inside::SCENARIOS),
    Theme::new("logs", logs::SCENARIOS),
    Theme::new("outage", outage::SCENARIOS),
    Theme::new("doubts", doubts::SCENARIOS),
    Theme::new("patience", patience::SCENARIOS),
    Theme::new("operate", operate::SCENARIOS).with(operate::missing),
    Theme::new("backup", backup::SCENARIOS).with(backup::missing),
    Theme::new("tls", tls::SCENARIOS),
    Theme::new("database_tls", database_tls::SCENARIOS),
    Theme::new("verified_database", verified_database::SCENARIOS).with(verified_database::missing),
    Theme::new("command_line", command_line::SCENARIOS),
    Theme::new("installed", installed::SCENARIOS),
    Theme::new("first_run", first_run::SCENARIOS),
    Theme::new("audit", audit::SCENARIOS),
    Theme::new("import", import::SCENARIOS),
    Theme::new("import_files", import_files::SCENARIOS),
    Theme::new("import_goodbooks", import_goodbooks::SCENARIOS).with(import_goodbooks::missing),
    Theme::new("clients", clients::SCENARIOS).with(clients::missing),
    Theme::new("documentation", documentation::SCENARIOS),
    Theme::new("diesel_cli", diesel_cli::SCENARIOS).with(diesel_cli::missing),
];

/// Each test starts servers of its own: more at a time than this is not faster.
const TESTS_AT_ONCE: usize = 4;

/// Those of `trials` that are named in a file, a line each, in its order.
fn only(file: &str, trials: impl Iterator<Item = Trial>) -> Vec<Trial> {
    let list = std::fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("BOOKSTORE_TEST_ONLY: {file}: {error}"));
    let mut trials: BTreeMap<_, _> = trials.map(|trial| (trial.name().to_owned(), trial)).collect();
    let named = |name: &str| {
        trials
            .remove(name)
            .unwrap_or_else(|| panic!("BOOKSTORE_TEST_ONLY: {file}: {name} is no test"))
    };
    list.lines().map(named).collect()
}

fn main() {
    let mut arguments = libtest_mimic::Arguments::from_args();
    arguments.test_threads.get_or_insert(TESTS_AT_ONCE);
    let trials = Backend::ALL
        .iter()
        .flat_map(|&backend| THEMES.iter().flat_map(move |theme| theme.trials(backend)));
    let trials = match kit::variable("BOOKSTORE_TEST_ONLY") {
        None => trials.collect(),
        Some(list) => only(&list, trials),
    };
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        let backends = Backend::ALL.iter().filter_map(|backend| backend.missing());
        let themes = THEMES.iter().filter_map(|theme| (theme.missing)());
        for missing in backends.chain(themes) {
            println!("left out: {}", missing.what);
        }
    }
    if let Some(verdict) = kit::verdict() {
        println!("{verdict}");
        if !verdict.is_good() {
            std::process::exit(1);
        }
    }
    conclusion.exit();
}

//! `bookstore race`: what each strategy does under load, and that nothing of it stays.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::{
    Backend, Bookstore, Connection, Database, Finished, Running, Scenario, Shop, WeakUser,
    eventually,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::ALL:
        with_copies_for_all_only_the_naive_ones_lose,
        the_last_copies_are_sold_once_by_whoever_checks,
        a_check_constraint_stops_what_goes_below_zero_and_nothing_else,
        copies_that_come_in_meanwhile_are_counted,
        the_time_limit_ends_a_run,
        the_table_fits_a_page_and_has_a_verdict_for_each_strategy,
        an_interrupted_run_leaves_nothing_behind,
        a_killed_run_is_cleaned_up_after_by_the_next_one,
        a_second_race_at_the_same_time_is_refused,
        tables_of_the_same_prefix_that_are_not_ours_are_refused_and_left_alone;
    Nothing on Backend::SERVERS:
        a_user_who_may_not_create_tables_is_told_what_to_do,
        more_buyers_than_connections_are_refused_with_the_number_there_is;
    Nothing on Backend::EMBEDDED:
        a_wrong_strategy_is_answered_with_the_names_of_all,
        a_database_that_is_not_there_is_not_created;
    Shop on Backend::ALL:
        a_shop_that_is_open_is_not_touched;
];

/// The strategies that must neither lose nor oversell, where they can be had.
const SAFE: [&str; 8] = [
    "atomic-update",
    "select-for-update",
    "immediate",
    "optimistic",
    "serializable",
    "advisory-lock",
    "hold",
    "till",
];

const LACKED_BY_SERVERS: &[&str] = &["immediate"];
const LACKED_BY_SQLITE: &[&str] = &["select-for-update", "skip-locked", "nowait", "advisory-lock"];

/// Figures that every outcome has, null where the backend lacks the strategy.
const FIGURES: [&str; 9] = [
    "acknowledged",
    "refused",
    "final_quantity",
    "lost_updates",
    "oversold",
    "retries",
    "per_second",
    "p50_ms",
    "p99_ms",
];

/// A race takes dozens of connections and both cores: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TRACK: Mutex<()> = Mutex::new(());
    TRACK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn race(database: &Database, arguments: &[&str]) -> Bookstore {
    Bookstore::new([&["race"], arguments].concat()).on(database)
}

/// What a run found, which must be as expected of every strategy.
fn run(database: &Database, arguments: &[&str]) -> Vec<Value> {
    let _alone = alone();
    let arguments = [&["run", "--format", "json", "--seconds", "60"], arguments].concat();
    let run = race(database, &arguments).run().exits(0).json();
    assert_eq!(run["backend"], database.backend.name());
    assert!(run["version"].as_str().unwrap().contains('.'), "{run}");
    is_empty(database);
    run["results"].as_array().unwrap().clone()
}

fn of<'a>(results: &'a [Value], strategy: &str) -> &'a Value {
    let found = results.iter().find(|outcome| outcome["strategy"] == strategy);
    found.unwrap_or_else(|| panic!("no {strategy} in {results:?}"))
}

fn number(outcome: &Value, figure: &str) -> i64 {
    outcome[figure].as_i64().unwrap_or_else(|| panic!("no {figure} in {outcome}"))
}

fn safe_ones(results: &[Value]) -> impl Iterator<Item = &Value> {
    SAFE.iter().map(|name| of(results, name)).filter(|outcome| outcome["supported"] == true)
}

/// Demands that no table of a race is left, and nobody connected.
#[track_caller]
pub fn is_empty(database: &Database) {
    let mut connection = database.connect();
    assert_eq!(race_tables(database.backend, &mut connection), 0, "tables are left");
    let connected = match database.backend {
        Backend::Sqlite => {
            let lock = format!("{}-race", database.path().display());
            assert!(!std::path::Path::new(&lock).exists(), "{lock} is left");
            return;
        }
        Backend::Postgres => {
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
        }
        Backend::Mysql => {
            "SELECT count(*) FROM information_schema.processlist
             WHERE db = database() AND id <> connection_id()"
        }
    };
    // The server notices a moment later that a client has gone.
    eventually(Duration::from_secs(10), "all connections are closed", || {
        (connection.number(connected) == 0).then_some(())
    });
}

pub fn race_tables(backend: Backend, connection: &mut Connection) -> i64 {
    connection.number(match backend {
        Backend::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name LIKE 'race%'",
        Backend::Postgres => {
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'race%'"
        }
        Backend::Mysql => {
            "SELECT count(*) FROM information_schema.tables
             WHERE table_schema = database() AND table_name LIKE 'race%'"
        }
    })
}

/// An empty database; the embedded one is a file that must be there.
pub fn empty(backend: Backend) -> Database {
    let database = Database::empty(backend);
    database.connect().run("SELECT 1");
    database
}

fn with_copies_for_all_only_the_naive_ones_lose(backend: Backend) {
    let results = run(&empty(backend), &[]);
    assert_eq!(results.len(), 14);
    for outcome in &results {
        let is_there = outcome["supported"].as_bool().unwrap();
        let name = outcome["strategy"].as_str().unwrap();
        let lacked = if backend == Backend::Sqlite { LACKED_BY_SQLITE } else { LACKED_BY_SERVERS };
        assert_eq!(is_there, !lacked.contains(&name), "{outcome}");
        for figure in FIGURES {
            assert_eq!(outcome[figure].is_number(), is_there, "{figure} of {outcome}");
        }
        assert_eq!(outcome["reason"].is_string(), !is_there, "{outcome}");
        assert!(outcome["verdict"].as_str().unwrap().len() > 10, "{outcome}");
        if is_there {
            let answered = number(outcome, "acknowledged") + number(outcome, "refused");
            assert_eq!(answered, 800, "{outcome}");
        }
    }
    assert!(number(of(&results, "autocommit"), "lost_updates") > 0);
    let naive = of(&results, "naive");
    match backend {
        // A deferred transaction cannot lose: it is refused.
        Backend::Sqlite => {
            assert_eq!(number(naive, "lost_updates"), 0, "{naive}");
            assert!(number(naive, "refused") > 0, "{naive}");
            assert!(naive["verdict"].as_str().unwrap().contains("SQLITE_BUSY"), "{naive}");
        }
        Backend::Postgres | Backend::Mysql => assert!(number(naive, "lost_updates") > 0, "{naive}"),
    }
    for outcome in safe_ones(&results).chain([of(&results, "f-expression")]) {
        let figures = ["acknowledged", "final_quantity", "lost_updates", "oversold", "refused"];
        assert_eq!(
            figures.map(|figure| number(outcome, figure)),
            [800, 1_200, 0, 0, 0],
            "{outcome}"
        );
    }
    if backend != Backend::Sqlite {
        for name in ["skip-locked", "nowait"] {
            let outcome = of(&results, name);
            assert_eq!(number(outcome, "lost_updates") + number(outcome, "oversold"), 0);
            assert!(number(outcome, "refused") > 0, "{outcome}");
            let sold = 2_000 - number(outcome, "final_quantity");
            assert_eq!(sold, number(outcome, "acknowledged"), "{outcome}");
        }
    }
    if backend == Backend::Mysql {
        let serializable = of(&results, "serializable");
        assert!(number(serializable, "deadlocks") > 0, "{serializable}");
    }
}

fn the_last_copies_are_sold_once_by_whoever_checks(backend: Backend) {
    let results = run(&empty(backend), &["--copies", "50", "--purchases", "400"]);
    for outcome in safe_ones(&results) {
        let figures = ["acknowledged", "refused", "final_quantity", "lost_updates", "oversold"];
        assert_eq!(figures.map(|figure| number(outcome, figure)), [50, 350, 0, 0, 0], "{outcome}");
    }
    let comment = of(&results, "f-expression");
    assert_eq!(number(comment, "oversold"), 350, "{comment}");
    assert_eq!(number(comment, "final_quantity"), -350, "{comment}");
    assert_eq!(number(comment, "lost_updates"), 0, "{comment}");
    assert!(comment["verdict"].as_str().unwrap().contains("--check-constraint"), "{comment}");
}

fn a_check_constraint_stops_what_goes_below_zero_and_nothing_else(backend: Backend) {
    let check = ["--check-constraint", "--copies", "50", "--purchases", "400"];
    let strategies = ["--strategy", "f-expression", "--strategy", "autocommit"];
    let results = run(&empty(backend), &[&check[..], &strategies].concat());
    assert_eq!(results.len(), 2);
    let comment = of(&results, "f-expression");
    let figures = ["acknowledged", "refused", "final_quantity", "oversold"];
    assert_eq!(figures.map(|figure| number(comment, figure)), [50, 350, 0, 0], "{comment}");
    assert!(comment["verdict"].as_str().unwrap().contains("CHECK"), "{comment}");
    // Every number that it writes is a legal one.
    let naive = of(&results, "autocommit");
    assert!(number(naive, "lost_updates") > 0 && number(naive, "final_quantity") >= 0, "{naive}");
}

fn copies_that_come_in_meanwhile_are_counted(backend: Backend) {
    let arguments = ["--copies", "20", "--purchases", "400", "--restock-every", "25"];
    let results = run(&empty(backend), &arguments);
    for outcome in safe_ones(&results) {
        assert_eq!(number(outcome, "lost_updates") + number(outcome, "oversold"), 0, "{outcome}");
        // How many of the others come after a delivery is up to the machine.
        assert!(number(outcome, "acknowledged") >= 20, "{outcome}");
        let available = 20 + 400;
        let left = available - number(outcome, "acknowledged");
        assert_eq!(number(outcome, "final_quantity"), left, "{outcome}");
    }
}

fn the_time_limit_ends_a_run(backend: Backend) {
    let database = empty(backend);
    let _alone = alone();
    let started = Instant::now();
    let arguments = ["run", "--seconds", "1", "--purchases", "100000000", "--copies", "1000000000"];
    let strategies = ["--strategy", "optimistic", "--strategy", "till", "--think-ms", "20"];
    let run = race(&database, &[&arguments[..], &strategies].concat()).run();
    run.exits(0).says(&["time was up after"]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    is_empty(&database);
}

fn the_table_fits_a_page_and_has_a_verdict_for_each_strategy(backend: Backend) {
    let database = empty(backend);
    let _alone = alone();
    let arguments = ["run", "--buyers", "2", "--purchases", "20", "--copies", "5"];
    let run = race(&database, &arguments).run().exits(0);
    assert_eq!(run.stderr, "", "no progress bar where nobody watches");
    fits(&run);
    let run = run.says(&["2 buyers", "20 purchases", "5 copies", "p99", "sales/s", "not here:"]);
    for name in ["naive", "f-expression", "select-for-update", "immediate", "till"] {
        let lines = run.stdout.lines().filter(|line| line.starts_with(name)).count();
        assert!(lines > 0, "nothing about {name}\n{run}");
    }
}

#[track_caller]
pub fn fits(run: &Finished) {
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 100, "too wide: {line}");
    }
}

/// A run that would take a minute, once it is under way.
fn under_way(database: &Database) -> Running {
    let long = ["run", "--seconds", "60", "--purchases", "100000000", "--copies", "1000000000"];
    let running = race(database, &long).spawn();
    let mut connection = database.connect();
    let filled = "SELECT count(*) FROM race_books WHERE quantity > 0 AND quantity < 1000000000";
    eventually(Duration::from_secs(30), "copies are sold", || {
        let is_made = race_tables(database.backend, &mut connection) == 2;
        (is_made && connection.number(filled) > 0).then_some(())
    });
    running
}

fn an_interrupted_run_leaves_nothing_behind(backend: Backend) {
    let database = empty(backend);
    let _alone = alone();
    for signal in ["INT", "TERM", "HUP"] {
        let mut running = under_way(&database);
        let told = Instant::now();
        assert_eq!(running.signal(signal), 2);
        assert!(told.elapsed() < Duration::from_secs(20), "{signal}: {:?}", told.elapsed());
        let said = eventually(Duration::from_secs(5), "it says why it ends", || {
            Some(running.stderr()).filter(|said| !said.is_empty())
        });
        assert!(said.contains("interrupted"), "{said}");
        is_empty(&database);
    }
}

fn a_killed_run_is_cleaned_up_after_by_the_next_one(backend: Backend) {
    let database = empty(backend);
    let _alone = alone();
    under_way(&database).kill();
    assert_eq!(race_tables(backend, &mut database.connect()), 2, "nobody could clean up");
    race(&database, &["run", "--strategy", "till"]).run().exits(0).says(&["was killed"]);
    is_empty(&database);
}

fn a_second_race_at_the_same_time_is_refused(backend: Backend) {
    let database = empty(backend);
    let _alone = alone();
    let mut first = under_way(&database);
    race(&database, &["replay"]).run().exits(2).says(&["another race"]);
    assert_eq!(
        race_tables(backend, &mut database.connect()),
        2,
        "the first one's tables are there"
    );
    assert_eq!(first.signal("INT"), 2);
    is_empty(&database);
}

fn tables_of_the_same_prefix_that_are_not_ours_are_refused_and_left_alone(backend: Backend) {
    let theirs = ["race_books", "race_horses", "race_owner"];
    for name in theirs {
        let database = empty(backend);
        let mut connection = database.connect();
        connection.run(&format!("CREATE TABLE {name} (id INTEGER)"));
        connection.run(&format!("INSERT INTO {name} VALUES (7)"));
        for command in ["run", "replay"] {
            race(&database, &[command]).run().exits(2).says(&[name, "DATABASE_URL"]);
        }
        assert_eq!(connection.number(&format!("SELECT id FROM {name}")), 7);
        assert_eq!(race_tables(backend, &mut connection), 1);
    }
}

fn a_shop_that_is_open_is_not_touched(shop: &Shop) {
    let book = shop.book(10);
    shop.storefront.buy(book, 2).expect(201);
    let before = shop.database.fingerprint();
    let _alone = alone();
    let few = ["race", "run", "--purchases", "100", "--buyers", "8"];
    shop.bookstore(few).run().exits(0);
    shop.bookstore(["race", "replay"]).run().exits(0);
    assert_eq!(shop.database.fingerprint(), before);
    assert_eq!(race_tables(shop.backend(), &mut shop.database.connect()), 0);
    shop.storefront.buy(book, 1).expect(201);
}

fn a_user_who_may_not_create_tables_is_told_what_to_do(backend: Backend) {
    let database = Database::migrated(backend);
    let user = WeakUser::of(&database, "SELECT");
    for command in ["run", "replay"] {
        let run = race(&database, &[command]).env("DATABASE_URL", &user.url).run().exits(2);
        let run = run.says(&["scratch tables", "GRANT", "DATABASE_URL"]);
        assert_eq!(run.stderr.lines().count(), 1, "{run}");
    }
    is_empty(&database);
}

fn more_buyers_than_connections_are_refused_with_the_number_there_is(backend: Backend) {
    let database = empty(backend);
    // The limit is a user's own: the server's would leave the tests beside this one without any.
    let user = WeakUser::of(&database, "ALL");
    if backend == Backend::Postgres {
        database.connect().run("GRANT CREATE ON SCHEMA public TO public");
    }
    user.may_connect_at_once(20);
    let _alone = alone();
    let buyers = |number| {
        let arguments = ["run", "--buyers", number, "--strategy", "naive"];
        race(&database, &arguments).env("DATABASE_URL", &user.url).run()
    };
    buyers("30").exits(2).says(&["30 buyers", "only 1", "--buyers", "max_connections"]);
    buyers("10").exits(0);
    is_empty(&database);
}

fn a_wrong_strategy_is_answered_with_the_names_of_all(backend: Backend) {
    let database = empty(backend);
    for command in ["run", "replay"] {
        let run = race(&database, &[command, "--strategy", "hope"]).run().exits(2);
        run.says(&["hope", "naive", "select-for-update", "advisory-lock", "till"]);
    }
    let nonsense: [&[&str]; 7] = [
        &["run", "--buyers", "0"],
        &["run", "--purchases", "0"],
        &["run", "--copies=-1"],
        &["run", "--seconds", "soon"],
        &["run", "--format", "xml"],
        &["replay", "--level", "chaos"],
        &["walk"],
    ];
    for arguments in nonsense {
        let run = race(&database, arguments).run().exits(2);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{run}");
    }
}

fn a_database_that_is_not_there_is_not_created(backend: Backend) {
    let database = Database::empty(backend);
    for command in ["run", "replay"] {
        race(&database, &[command]).run().exits(2).says(&["bookstore migrate", "DATABASE_URL"]);
        assert!(!database.path().exists());
    }
}

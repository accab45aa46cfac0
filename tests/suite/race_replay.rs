//! `bookstore race replay`: the article's two requests, the same every time.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::{Backend, Bookstore, Database, Scenario, WeakUser, eventually};
use crate::race::{empty, fits, is_empty, race_tables};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::ALL:
        without_arguments_it_shows_the_bug_and_the_cure,
        it_is_the_same_every_time,
        the_cure_ends_with_two_copies_less,
        what_the_database_lacks_is_said_with_the_reason,
        an_interrupted_replay_leaves_nothing_behind;
    Nothing on Backend::SERVERS:
        a_stricter_level_refuses_or_not,
        the_one_who_waits_is_seen_waiting,
        a_replay_that_waits_for_somebody_else_can_be_interrupted,
        one_who_may_not_see_locks_is_told_what_to_do;
    Nothing on Backend::EMBEDDED:
        sqlite_says_busy;
];

/// All of them, also those that some backend lacks.
const STRATEGIES: [&str; 14] = [
    "naive",
    "autocommit",
    "f-expression",
    "atomic-update",
    "select-for-update",
    "immediate",
    "optimistic",
    "serializable",
    "skip-locked",
    "nowait",
    "advisory-lock",
    "check-then-pay",
    "hold",
    "till",
];

fn replay(database: &Database, arguments: &[&str]) -> Bookstore {
    Bookstore::new([&["race", "replay"], arguments].concat()).on(database)
}

fn timelines(database: &Database, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["--format", "json"], arguments].concat();
    let timelines = replay(database, &arguments).run().exits(0).json();
    timelines.as_array().unwrap().clone()
}

/// The one timeline of `arguments`.
fn timeline(database: &Database, arguments: &[&str]) -> Value {
    let mut timelines = timelines(database, arguments);
    assert_eq!(timelines.len(), 1);
    timelines.remove(0)
}

fn steps(timeline: &Value) -> &Vec<Value> {
    timeline["steps"].as_array().unwrap()
}

/// How it ended: acknowledged, in the row, lost, oversold.
fn end(timeline: &Value) -> [i64; 4] {
    ["acknowledged", "final_quantity", "lost_updates", "oversold"]
        .map(|figure| timeline[figure].as_i64().unwrap_or_else(|| panic!("{timeline}")))
}

/// Whether a step's error says so.
fn fails_with(timeline: &Value, said: &str) -> bool {
    let errors = steps(timeline).iter().filter_map(|step| step["error"].as_str());
    errors.into_iter().any(|error| error.contains(said))
}

/// What is on the connection of one of them, in order.
fn actions<'a>(timeline: &'a Value, actor: &str) -> Vec<&'a str> {
    let its = steps(timeline).iter().filter(|step| step["actor"] == actor);
    its.map(|step| step["action"].as_str().unwrap()).collect()
}

fn without_arguments_it_shows_the_bug_and_the_cure(backend: Backend) {
    let database = empty(backend);
    let run = replay(&database, &[]).run().exits(0);
    fits(&run);
    assert_eq!(run.stderr, "");
    run.says(&["naive on", "book1", "book2", "row", "10 - 1 = 9"]);
    let shown = timelines(&database, &[]);
    let cure = if backend == Backend::Sqlite { "immediate" } else { "select-for-update" };
    let strategies: Vec<_> = shown.iter().map(|timeline| &timeline["strategy"]).collect();
    assert_eq!(strategies, ["naive", cure]);
    let level = match backend {
        Backend::Postgres => Some("read-committed"),
        Backend::Mysql => Some("repeatable-read"),
        Backend::Sqlite => None,
    };
    assert_eq!(shown[0]["level"].as_str(), level);
    match backend {
        Backend::Sqlite => assert_eq!(end(&shown[0]), [1, 9, 0, 0], "{}", shown[0]),
        Backend::Postgres | Backend::Mysql => {
            assert_eq!(end(&shown[0]), [2, 9, 1, 0], "{}", shown[0]);
        }
    }
    assert_eq!(end(&shown[1]), [2, 8, 0, 0], "{}", shown[1]);
    let update = "UPDATE race_books SET quantity = 9 WHERE (id = 1)";
    for actor in ["book1", "book2"] {
        assert!(actions(&shown[0], actor).contains(&update), "{}", shown[0]);
    }
    is_empty(&database);
}

fn it_is_the_same_every_time(backend: Backend) {
    let database = empty(backend);
    let shown: [(&[&str], usize); 2] = [(&[], 10), (&["--strategy", "serializable"], 5)];
    for (arguments, times) in shown {
        let first = replay(&database, arguments).run().exits(0).stdout;
        for _ in 1..times {
            let again = replay(&database, arguments).run().exits(0).stdout;
            assert_eq!(again, first, "{arguments:?}");
        }
    }
    is_empty(&database);
}

fn the_cure_ends_with_two_copies_less(backend: Backend) {
    let database = empty(backend);
    for strategy in STRATEGIES {
        let arguments = ["--format", "json", "--strategy", strategy];
        let run = replay(&database, &arguments).run();
        if run.code == 2 {
            continue;
        }
        let timeline = run.exits(0).json()[0].clone();
        let expected = match (strategy, backend) {
            ("naive", Backend::Sqlite) | ("skip-locked" | "nowait", _) => [1, 9, 0, 0],
            ("naive" | "autocommit", _) => [2, 9, 1, 0],
            _ => [2, 8, 0, 0],
        };
        assert_eq!(end(&timeline), expected, "{timeline}");
        let last = steps(&timeline).last().unwrap();
        assert_eq!(last["row"], timeline["final_quantity"], "{timeline}");
    }
    // The last copy.
    let one = |strategy| timeline(&database, &["--copies", "1", "--strategy", strategy]);
    assert_eq!(end(&one("f-expression")), [2, -1, 0, 1]);
    assert_eq!(end(&one("autocommit")), [2, 0, 1, 1]);
    for strategy in ["atomic-update", "optimistic", "serializable", "till"] {
        assert_eq!(end(&one(strategy)), [1, 0, 0, 0], "{strategy}");
    }
    is_empty(&database);
}

fn a_stricter_level_refuses_or_not(backend: Backend) {
    let database = empty(backend);
    let at = |level| timeline(&database, &["--strategy", "naive", "--level", level]);
    let (committed, repeatable, serializable) =
        (at("read-committed"), at("repeatable-read"), at("serializable"));
    assert_eq!(end(&committed), [2, 9, 1, 0], "{committed}");
    assert_eq!(end(&serializable), [1, 9, 0, 0], "{serializable}");
    match backend {
        Backend::Postgres => {
            assert_eq!(end(&repeatable), [1, 9, 0, 0], "{repeatable}");
            assert!(fails_with(&repeatable, "40001"), "{repeatable}");
            assert!(fails_with(&serializable, "40001"), "{serializable}");
        }
        _ => {
            assert_eq!(end(&repeatable), [2, 9, 1, 0], "silently: {repeatable}");
            assert!(steps(&repeatable).iter().all(|step| step["error"].is_null()));
            assert!(fails_with(&serializable, "1213"), "{serializable}");
        }
    }
    assert_eq!(committed["level"], "read-committed");
    let run = replay(&database, &["--strategy", "till", "--level", "serializable"]).run().exits(2);
    run.says(&["--level", "read-committed"]);
}

fn the_one_who_waits_is_seen_waiting(backend: Backend) {
    let database = empty(backend);
    let seen_in = match backend {
        Backend::Postgres => ["pg_blocking_pids"; 2],
        _ => ["innodb_lock_waits", "is_used_lock"],
    };
    for (strategy, view) in ["select-for-update", "advisory-lock"].into_iter().zip(seen_in) {
        let timeline = timeline(&database, &["--strategy", strategy]);
        let waiting: Vec<_> =
            steps(&timeline).iter().filter(|step| !step["waits_for"].is_null()).collect();
        assert_eq!(waiting.len(), 1, "{timeline}");
        assert_eq!(waiting[0]["actor"], "book2");
        assert_eq!(waiting[0]["waits_for"], "book1");
        assert_eq!(waiting[0]["seen_in"].as_str().unwrap().replace("data_", "innodb_"), view);
        let reads: Vec<_> =
            steps(&timeline).iter().filter_map(|it| it["effect"].as_str()).collect();
        assert!(reads.contains(&"reads 10") && reads.contains(&"reads 9"), "{timeline}");
    }
}

fn sqlite_says_busy(backend: Backend) {
    let database = empty(backend);
    let naive = timeline(&database, &["--strategy", "naive"]);
    let refused = steps(&naive).iter().find(|step| !step["error"].is_null()).unwrap();
    assert!(refused["action"].as_str().unwrap().starts_with("UPDATE"), "{refused}");
    assert!(refused["error"].as_str().unwrap().starts_with("SQLITE_BUSY"), "{refused}");
    assert!(naive["verdict"].as_str().unwrap().contains("has read"), "it says why: {naive}");
    let immediate = timeline(&database, &["--strategy", "immediate"]);
    let refused = steps(&immediate).iter().find(|step| !step["error"].is_null()).unwrap();
    assert_eq!(refused["action"], "BEGIN IMMEDIATE");
    assert_eq!(refused["waits_for"], "book1");
    assert_eq!(refused["seen_in"], "SQLITE_BUSY");
    replay(&database, &["--level", "serializable"]).run().exits(2).says(&["--level", "SQLite"]);
}

fn what_the_database_lacks_is_said_with_the_reason(backend: Backend) {
    let database = empty(backend);
    let (lacked, instead) = match backend {
        Backend::Sqlite => ("select-for-update", "`immediate`"),
        Backend::Postgres | Backend::Mysql => ("immediate", "`select-for-update`"),
    };
    replay(&database, &["--strategy", lacked]).run().exits(2).says(&[lacked, instead]);
    is_empty(&database);
}

fn an_interrupted_replay_leaves_nothing_behind(backend: Backend) {
    let database = empty(backend);
    let mut connection = database.connect();
    for _ in 0..5 {
        let mut running = replay(&database, &[]).spawn();
        eventually(Duration::from_secs(30), "the replay is under way, or over", || {
            let is_made = race_tables(backend, &mut connection) > 0;
            (is_made || running.ended().is_some()).then_some(())
        });
        let code = running.ended().unwrap_or_else(|| running.signal("INT"));
        assert!([0, 2].contains(&code), "{code}: {}", running.stderr());
        // Its own connection is one of those that are counted.
        drop(connection);
        is_empty(&database);
        connection = database.connect();
    }
}

/// Somebody else has the lock that book1 wants first: there it stands, in the middle of a statement.
fn a_replay_that_waits_for_somebody_else_can_be_interrupted(backend: Backend) {
    let database = empty(backend);
    let mut holder = database.connect();
    let (hold, waiting) = match backend {
        Backend::Postgres => (
            "SELECT 1 FROM pg_advisory_lock(hashtext('race_books')) AS held",
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ),
        _ => (
            "SELECT get_lock(left(concat('race_books ', database()), 64), 0)",
            "SELECT count(*) FROM information_schema.processlist
             WHERE db = database() AND state = 'User lock'",
        ),
    };
    assert_eq!(holder.number(hold), 1);
    let mut running = replay(&database, &["--strategy", "advisory-lock"]).spawn();
    eventually(Duration::from_secs(30), "book1 waits", || {
        (holder.number(waiting) > 0).then_some(())
    });
    let told = Instant::now();
    assert_eq!(running.signal("INT"), 2);
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    drop(holder);
    is_empty(&database);
}

/// MariaDB and MySQL show their locks to those alone who have PROCESS; PostgreSQL to everybody.
fn one_who_may_not_see_locks_is_told_what_to_do(backend: Backend) {
    if backend == Backend::Postgres {
        return;
    }
    let database = empty(backend);
    let user = WeakUser::of(&database, "ALL");
    let run = replay(&database, &[]).env("DATABASE_URL", &user.url).run().exits(2);
    run.says(&["GRANT PROCESS"]);
    let few = ["race", "run", "--strategy", "till", "--purchases", "10"];
    Bookstore::new(few).env("DATABASE_URL", &user.url).run().exits(0);
    is_empty(&database);
}

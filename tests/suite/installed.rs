//! What an installed service wants of the command line: settings from a file that it names, a question
//! about its health and its schema, completions and a manual.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::kit::{Backend, Bookstore, Database, Scenario, Server, all_wait, lock_table};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::ALL:
        a_check_tells_of_pending_migrations_and_runs_none,
        a_migration_that_fails_is_told_of;
    Nothing on Backend::SERVERS:
        a_check_waits_until_it_can_look;
    Nothing on Backend::EMBEDDED:
        settings_come_from_the_file_that_is_named,
        a_file_of_settings_that_is_not_there_is_refused,
        a_line_that_cannot_be_read_is_named_and_not_shown,
        the_printed_settings_are_a_file_of_settings,
        health_is_what_the_service_says_of_itself,
        whoever_says_something_else_is_not_ready,
        completions_know_every_command,
        the_manual_is_written_where_it_is_wanted,
        commands_without_a_database_mind_no_wrong_one;
];

fn a_check_tells_of_pending_migrations_and_runs_none(backend: Backend) {
    let database = Database::empty(backend);
    let check = || Bookstore::new(["migrate", "--check"]).on(&database).run();
    if backend == Backend::Sqlite {
        check().exits(2).says(&["there is no database at"]);
        std::fs::write(database.path(), "").unwrap();
    }
    check().exits(1).says(&["lacks migrations", "bookstore migrate"]);
    check().exits(1);
    Bookstore::new(["migrate"]).on(&database).run().exits(0);
    check().exits(0).says(&["is up to date"]);
    database
        .connect()
        .run("DELETE FROM __diesel_schema_migrations WHERE version = '20261124010000'");
    check().exits(1);
}

fn a_migration_that_fails_is_told_of(backend: Backend) {
    let database = Database::empty(backend);
    database.connect().run("CREATE TABLE books (of_another_program INTEGER)");
    let migrate = || Bookstore::new(["migrate"]).on(&database).run();
    migrate().exits(2).says(&["the migration failed", "books"]);
    if backend == Backend::Mysql {
        // It takes no change of schema back.
        return;
    }
    database.connect().run("DROP TABLE books");
    migrate().exits(0).says(&["ran ", "is up to date"]);
    assert!(!migrate().exits(0).said().contains("ran "));
}

/// Whoever may not look at the list of migrations now has not seen that one is missing.
fn a_check_waits_until_it_can_look(backend: Backend) {
    let database = Database::migrated(backend);
    let mut holder = database.connect();
    lock_table(backend, &mut holder, "__diesel_schema_migrations");
    let check = Bookstore::new(["migrate", "--check"]).on(&database);
    let waiting = [std::thread::spawn(|| check.run())];
    // Longer than a statement waits for a lock.
    (0..3).for_each(|_| all_wait(&waiting));
    drop(holder);
    for check in waiting {
        check.join().unwrap().exits(0).says(&["is up to date"]);
    }
}

fn settings_come_from_the_file_that_is_named(backend: Backend) {
    let (right, wrong) =
        (Database::migrated(backend), "DATABASE_URL=sqlite:///nowhere/at/all.db\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.env");
    std::fs::write(&file, format!("DATABASE_URL='{}'\n", right.url)).unwrap();
    // Not even looked at.
    std::fs::write(folder.path().join(".env"), wrong).unwrap();
    let with = |arguments: &[&'static str]| {
        Bookstore::new(arguments.iter().copied()).within(folder.path())
    };
    with(&["audit"]).run().exits(2);
    with(&["--env-file", "shop.env", "audit"]).run().exits(0);
    with(&["--env-file=shop.env", "token", "list"]).run().exits(0);
    with(&["token", "list", "--format", "json", "--env-file", "shop.env"]).run().exits(0);
    with(&["audit"]).env("BOOKSTORE_ENV_FILE", file.to_str().unwrap()).run().exits(0);
    // Nobody looks into the folder above.
    let below = folder.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let audit = Bookstore::new(["audit"]).within(&below).run().exits(2).says(&["bookstore.db"]);
    assert!(!audit.said().contains("nowhere"), "{audit}");
    // The environment wins, and a wrong flag is still told of.
    let elsewhere = "sqlite:///nowhere/at/all.db";
    with(&["--env-file", "shop.env", "audit"]).env("DATABASE_URL", elsewhere).run().exits(2);
    with(&["--env-file", "shop.env", "audit", "--nonsense"]).run().exits(2).says(&["--nonsense"]);
    with(&["--env-file", "shop.env", "serve", "--listen", "nowhere"])
        .run()
        .exits(2)
        .says(&["--listen", "must be an IP address"]);
}

fn a_file_of_settings_that_is_not_there_is_refused(_: Backend) {
    for command in [&["audit"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let arguments = [&["--env-file", "no/such.env"], command].concat();
        Bookstore::new(arguments).run().exits(2).says(&["no/such.env", "cannot be read"]);
    }
}

fn a_line_that_cannot_be_read_is_named_and_not_shown(_: Backend) {
    let folder = tempfile::tempdir().unwrap();
    for (line, named) in [
        ("DATABASE_URL=postgres://shop:correct horse@db/shop", "the line of DATABASE_URL"),
        ("DATABASE_URL='postgres://shop:correct-horse@db/shop", "the line of DATABASE_URL"),
        ("postgres://shop:correct-horse@db/shop?a=b c", "a line"),
    ] {
        std::fs::write(folder.path().join("shop.env"), format!("{line}\n")).unwrap();
        std::fs::write(folder.path().join(".env"), format!("{line}\n")).unwrap();
        for (arguments, file) in [(&["--env-file", "shop.env"][..], "shop.env"), (&[], ".env")] {
            let arguments = [arguments, &["audit"]].concat();
            let run = Bookstore::new(arguments).within(folder.path()).run().exits(2);
            let run = run.says(&[file, named, "single quotes"]);
            assert!(!run.said().contains("correct"), "a password is shown\n{run}");
        }
    }
}

fn the_printed_settings_are_a_file_of_settings(backend: Backend) {
    let database = Database::migrated(backend);
    let printed = Bookstore::new(["settings"]).run().exits(0).stdout;
    let folder = tempfile::tempdir().unwrap();
    // With every default taken from the file.
    let chosen: String = printed
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && is_valued(setting) => setting,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert!(chosen.contains("\nBOOKSTORE_CURRENCY=EUR\n"), "{chosen}");
    let chosen = chosen.replace("BOOKSTORE_LISTEN=127.0.0.1:8080", "BOOKSTORE_LISTEN=127.0.0.1:0");
    std::fs::write(folder.path().join(".env"), chosen).unwrap();
    let server = Server::from(Bookstore::new(["serve"]).on(&database).within(folder.path()));
    assert!(!server.log().contains("no setting"), "{}", server.log());
    assert_eq!(server.stop(), 0);
}

/// Whether it shows a default: what has none shows in capitals what kind of value it takes.
fn is_valued(setting: &str) -> bool {
    let value = setting.split_once('=').map_or("", |(_, value)| value);
    let is_kind = value.bytes().all(|byte| byte.is_ascii_uppercase() || b",._".contains(&byte));
    !is_kind || value == "EUR"
}

fn health_is_what_the_service_says_of_itself(backend: Backend) {
    let database = Database::migrated(backend);
    let server = Server::start(&database.url, &[]);
    let health = || Bookstore::new(["health", "--listen", server.address()]).run();
    health().exits(0).says(&["is ready", "200"]);
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    let everywhere = format!("0.0.0.0:{port}");
    Bookstore::new(["health"]).env("BOOKSTORE_LISTEN", &everywhere).run().exits(0);
    database.connect().run("DROP TABLE __diesel_schema_migrations");
    health().exits(1).says(&["is not ready", "503"]);
    assert_eq!(server.stop(), 0);
    health().exits(1).says(&["is not ready", "nobody answers"]);
    Bookstore::new(["health", "--listen", "localhost"]).run().exits(2);
}

fn whoever_says_something_else_is_not_ready(_: Backend) {
    for answer in ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 404 Not Found\r\n\r\nHTTP/1.1 200 OK"] {
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap().to_string();
        let answering = std::thread::spawn(move || {
            let (mut caller, _) = stranger.accept().unwrap();
            let mut asked = [0; 16];
            caller.read_exact(&mut asked).unwrap();
            caller.write_all(answer.as_bytes()).unwrap();
        });
        Bookstore::new(["health", "--listen", &address]).run().exits(1).says(&["is not ready"]);
        answering.join().unwrap();
    }
}

fn completions_know_every_command(_: Backend) {
    for shell in ["bash", "zsh", "fish"] {
        let words = ["serve", "migrate", "token", "storefront", "env-file", "queue-limit"];
        Bookstore::new(["completions", shell]).run().exits(0).says(&words);
    }
    Bookstore::new(["completions", "cmd.exe"]).run().exits(2).says(&["bash", "zsh", "fish"]);
}

fn the_manual_is_written_where_it_is_wanted(_: Backend) {
    let home = tempfile::tempdir().unwrap();
    Bookstore::new(["man", "share/man1"]).within(home.path()).run().exits(0);
    let page = std::fs::read_to_string(home.path().join("share/man1/bookstore-serve.1")).unwrap();
    assert!(page.starts_with(".TH \"BOOKSTORE\\-SERVE\" \"1\""), "{page}");
    std::fs::write(home.path().join("file"), "").unwrap();
    Bookstore::new(["man", "file"]).within(home.path()).run().exits(2).says(&["file"]);
}

fn commands_without_a_database_mind_no_wrong_one(_: Backend) {
    for command in [&["settings"][..], &["completions", "bash"], &["man", "manual"]] {
        let wrong = "oracle://scott:tiger@db/books";
        Bookstore::new(command.iter().copied()).env("DATABASE_URL", wrong).run().exits(0);
    }
}

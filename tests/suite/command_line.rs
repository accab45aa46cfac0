//! The command line: exit codes, help that teaches, settings that are refused by name.

use crate::kit::{Backend, Bookstore, Database, Scenario, Server, Shop, create_token};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::ALL:
        migrate_makes_the_tables_once,
        a_created_token_is_printed_alone,
        commands_other_than_serve_need_the_tables,
        settings_come_from_flags_before_the_environment_before_a_file;
    Nothing on Backend::SERVERS:
        pending_migrations_are_refused_with_the_command_that_runs_them,
        a_server_that_cannot_be_reached_is_an_error_that_says_so;
    Nothing on Backend::EMBEDDED:
        help_teaches_every_command,
        a_wrong_setting_is_refused_by_name,
        a_misspelt_setting_is_told_of,
        a_database_url_that_cannot_work_names_the_fix,
        an_explicit_embedded_database_gets_tables_but_neither_samples_nor_token,
        a_database_that_is_something_else_is_refused,
        an_address_in_use_is_refused_by_name,
        a_wrong_command_is_exit_code_2;
    Shop on Backend::ALL:
        tokens_need_a_role_and_a_name;
];

fn migrate_makes_the_tables_once(backend: Backend) {
    let database = Database::empty(backend);
    let migrate = || Bookstore::new(["migrate"]).on(&database).run().exits(0).stdout;
    let said = migrate();
    let folder = format!("{}/migrations/{backend}", env!("CARGO_MANIFEST_DIR"));
    for migration in std::fs::read_dir(folder).unwrap() {
        let name = migration.unwrap().file_name().into_string().unwrap();
        let version = name.split('_').next().unwrap().replace('-', "");
        assert!(said.contains(&format!("ran {version}\n")), "no word of {name}\n{said}");
    }
    let tables = ["books", "orders", "stock_movements", "stock_entries", "clients"];
    for table in tables {
        assert_eq!(database.connect().number(&format!("SELECT count(*) FROM {table}")), 0);
    }
    assert!(!migrate().contains("ran "), "it ran again");
    Bookstore::new(["migrate", "--database-url", &database.url]).run().exits(0);
    let audit = Bookstore::new(["audit", "--format", "json"]).on(&database).run().exits(0).json();
    assert_eq!(audit["backend"], backend.name(), "{audit}");
}

fn a_created_token_is_printed_alone(backend: Backend) {
    let database = Database::migrated(backend);
    let run = Bookstore::new(["token", "create", "--role", "admin", "--name", "me"]).on(&database);
    let stdout = run.run().exits(0).stdout;
    assert!(stdout.starts_with("bks_") && stdout.ends_with('\n'), "{stdout:?}");
    assert_eq!(stdout.split_whitespace().count(), 1, "{stdout:?}");
    assert_ne!(create_token(&database, "admin", "me"), stdout.trim(), "each is its own");
}

fn tokens_need_a_role_and_a_name(shop: &Shop) {
    let before = shop.database.fingerprint();
    let long = "x".repeat(201);
    let wrong: [&[&str]; 7] = [
        &["--role", "king", "--name", "n"],
        &["--role", "admin"],
        &["--name", "n"],
        &["--role", "admin", "--name", ""],
        &["--role", "Admin", "--name", "n"],
        &["--role", "admin", "--name", &long],
        &["--role", "admin", "--name", "two\nlines"],
    ];
    for arguments in wrong {
        let arguments = [&["token", "create"], arguments].concat();
        let run = shop.bookstore(arguments).run().exits(2);
        assert_eq!(run.stdout, "", "nothing that could be taken for a token");
        assert!(!run.stderr.is_empty());
    }
    shop.bookstore(["token", "create", "--role", "king", "--name", "n"]).run().says(&[
        "king",
        "storefront",
        "admin",
    ]);
    assert_eq!(shop.database.fingerprint(), before);
}

fn commands_other_than_serve_need_the_tables(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("books.csv"), "isbn,title,author\n").unwrap();
    let commands: [&[&str]; 4] = [
        &["audit"],
        &["token", "list"],
        &["token", "create", "--role", "admin", "--name", "n"],
        &["import", "books.csv"],
    ];
    for command in commands {
        let database = Database::empty(backend);
        let run = Bookstore::new(command.iter().copied()).on(&database).within(folder.path()).run();
        run.exits(2).says(&["bookstore migrate"]);
    }
}

fn pending_migrations_are_refused_with_the_command_that_runs_them(backend: Backend) {
    let database = Database::empty(backend);
    let serve = || Bookstore::new(["serve", "--listen", "127.0.0.1:0"]).on(&database);
    let refused = serve().run().exits(2).says(&["bookstore migrate"]);
    assert!(!refused.stdout.contains("listening"), "{refused}");
    Bookstore::new(["migrate"]).on(&database).run().exits(0);
    let server = Server::from(serve());
    assert!(!server.stdout().contains("bks_"), "a server database gets no token by itself");
    assert_eq!(database.connect().number("SELECT count(*) FROM books"), 0);
    assert_eq!(server.stop(), 0);
}

fn a_server_that_cannot_be_reached_is_an_error_that_says_so(backend: Backend) {
    let database = Database::migrated(backend);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = database
        .url_through(port)
        .replace("://", "://hermit:s3cr3t@")
        .replace("@root@", "@")
        .replace("@postgres@", "@");
    for command in
        [&["migrate"][..], &["audit"], &["serve", "--listen", "127.0.0.1:0"], &["token", "list"]]
    {
        let run = Bookstore::new(command.iter().copied()).env("DATABASE_URL", &url).run().exits(2);
        assert!(!run.said().contains("s3cr3t"), "the password is shown\n{run}");
        assert!(
            run.said().contains(&port.to_string()) || run.said().contains("DATABASE_URL"),
            "{run}"
        );
        assert!(!run.said().contains("panicked"), "{run}");
    }
}

fn settings_come_from_flags_before_the_environment_before_a_file(backend: Backend) {
    let (right, wrong) = (Database::migrated(backend), "sqlite:///nowhere/at/all.db");
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| std::fs::write(folder.path().join(".env"), text).unwrap();
    let audit = || Bookstore::new(["audit"]).within(folder.path());

    file(&format!("# a comment\nDATABASE_URL=\"{}\"\n", right.url));
    audit().run().exits(0);
    audit().env("DATABASE_URL", wrong).run().exits(2);
    file(&format!("DATABASE_URL={wrong}\n"));
    audit().run().exits(2);
    audit().on(&right).run().exits(0);
    let flag = Bookstore::new(["audit", "--database-url", &right.url]).within(folder.path());
    flag.env("DATABASE_URL", wrong).run().exits(0);

    file(&format!(
        "DATABASE_URL=\"{}\"\nBOOKSTORE_LISTEN=127.0.0.1:0\nBOOKSTORE_CURRENCY=SEK\n",
        right.url
    ));
    let server = Server::from(Bookstore::new([]).within(folder.path()));
    let answer = reqwest::blocking::get(format!("{}/v1/books", server.url)).unwrap();
    assert_eq!(answer.status(), 200);
    let token = create_token(&right, "admin", "me");
    let admin = crate::kit::Client::new(&server, &token);
    let made = admin.post("/v1/books", crate::kit::new_book(serde_json::json!({}))).expect(201);
    assert_eq!(made["price"]["currency"], "SEK");
}

fn help_teaches_every_command(_: Backend) {
    let help = Bookstore::new(["--help"]).run().exits(0);
    let commands = ["serve", "migrate", "token", "import", "audit", "race", "DATABASE_URL"];
    assert_eq!(help.stderr, "");
    help.says(&commands);
    let pages: [(&[&str], &[&str]); 10] = [
        (
            &["serve"],
            &[
                "--listen",
                "BOOKSTORE_LISTEN",
                "BOOKSTORE_CURRENCY",
                "BOOKSTORE_READ_CONNECTIONS",
                "BOOKSTORE_WRITE_CONNECTIONS",
                "BOOKSTORE_REQUEST_TIMEOUT",
                "BOOKSTORE_WORKERS",
                "BOOKSTORE_TLS_CERT",
                "BOOKSTORE_TLS_KEY",
                "SIGHUP",
                "BOOKSTORE_LOG",
            ],
        ),
        (&["migrate"], &["DATABASE_URL"]),
        (&["token"], &["create", "list", "revoke"]),
        (&["token", "create"], &["--role", "--name", "storefront", "admin"]),
        (&["token", "revoke"], &["ID"]),
        (
            &["import"],
            &["--default-price", "--default-quantity", "--column", "--update", "--rejects", "json"],
        ),
        (&["audit"], &["--format", "json"]),
        (&["race"], &["run", "replay", "race_books", "DATABASE_URL"]),
        (
            &["race", "run"],
            &[
                "--strategy",
                "select-for-update",
                "lock the row",
                "--buyers",
                "--purchases",
                "--copies",
                "--seconds",
                "--think-ms",
                "--restock-every",
                "--check-constraint",
                "--report",
                "lost updates",
                "Exit code",
            ],
        ),
        (&["race", "replay"], &["--strategy", "--level", "repeatable-read", "pg_blocking_pids"]),
    ];
    for (command, words) in pages {
        let asked = [command, &["--help"]].concat();
        Bookstore::new(asked).run().exits(0).says(words);
    }
    Bookstore::new(["--version"]).run().exits(0).says(&["bookstore", env!("CARGO_PKG_VERSION")]);
}

fn a_wrong_setting_is_refused_by_name(_: Backend) {
    let wrong = [
        ("listen", "localhost"),
        ("listen", "127.0.0.1:99999"),
        ("listen", ""),
        ("currency", "euro"),
        ("currency", "E1R"),
        ("read-connections", "0"),
        ("read-connections", "many"),
        ("write-connections", "-1"),
        ("write-connections", "100000000"),
        ("request-timeout", "0"),
        ("request-timeout", "soon"),
        ("batch-limit", "4097"),
        ("queue-limit", "abc"),
        ("queue-limit", ""),
        ("workers", "0"),
        ("workers", "1.5"),
        ("log-format", "xml"),
        ("log", "bookstore=shouting"),
    ];
    for (flag, value) in wrong {
        let variable = format!("BOOKSTORE_{}", flag.to_uppercase().replace('-', "_"));
        let option = format!("--{flag}={value}");
        let run = Bookstore::new(["serve", &option]).run().exits(2);
        let is_named = run.stderr.contains(&format!("--{flag}")) || run.stderr.contains(&variable);
        assert!(is_named && !run.said().contains("panicked"), "does not name --{flag}\n{run}");
        let says_what_is_right =
            ["must be", "possible values", "try info"].iter().any(|it| run.stderr.contains(it));
        assert!(says_what_is_right, "does not say what would be right\n{run}");
        assert!(!run.stdout.contains("listening"), "{run}");

        let run = Bookstore::new(["serve"]).env(&variable, value).run().exits(2);
        let is_named = run.stderr.contains(&format!("--{flag}")) || run.stderr.contains(&variable);
        assert!(is_named, "does not name {variable}\n{run}");
    }
}

fn a_database_url_that_cannot_work_names_the_fix(_: Backend) {
    let cases: [(&str, &[&str]); 6] = [
        ("oracle://scott:tiger@db/books", &["database-url", "sqlite://", "postgres://"]),
        ("bookstore.db", &["database-url", "sqlite://"]),
        ("postgres:/localhost", &["database-url"]),
        ("sqlite://", &["database-url"]),
        ("://", &["database-url"]),
        ("sqlite:///nowhere/at/all.db", &["/nowhere/at/all.db"]),
    ];
    for (url, words) in cases {
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
            let run = Bookstore::new(command.iter().copied()).env("DATABASE_URL", url).run();
            let run = run.exits(2);
            // By the flag's name or the variable's.
            let said = run.said().to_lowercase().replace('_', "-");
            assert!(words.iter().all(|word| said.contains(word)), "does not say {words:?}\n{run}");
            assert!(!said.contains("panicked") && !said.contains("tiger"), "{run}");
        }
    }
    if !cfg!(feature = "mysql") {
        let run = Bookstore::new(["migrate"]).env("DATABASE_URL", "mysql://root@127.0.0.1/x").run();
        run.exits(2).says(&["--features", "mysql"]);
    }
}

fn an_explicit_embedded_database_gets_tables_but_neither_samples_nor_token(backend: Backend) {
    let database = Database::empty(backend);
    let server = Server::start(&database.url, &[]);
    assert!(!server.stdout().contains("bks_") && !server.log().contains("bks_"));
    let answer = reqwest::blocking::get(format!("{}/v1/books", server.url)).unwrap();
    let page: serde_json::Value = answer.json().unwrap();
    assert_eq!(page, serde_json::json!({ "data": [], "next": null }));
    let first = server.stdout().lines().next().map(str::to_owned);
    assert_eq!(first, Some(format!("listening on {}", server.url)));
}

fn a_database_that_is_something_else_is_refused(backend: Backend) {
    let database = Database::empty(backend);
    std::fs::write(database.path(), "Dear diary, this is not a database. ".repeat(100)).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["audit"]] {
        let run = Bookstore::new(command.iter().copied()).on(&database).run().exits(2);
        assert!(!run.said().contains("panicked"), "{run}");
    }
    let diary = std::fs::read_to_string(database.path()).unwrap();
    assert!(diary.starts_with("Dear diary"), "what is not ours is left alone");
}

fn an_address_in_use_is_refused_by_name(backend: Backend) {
    let database = Database::migrated(backend);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = Bookstore::new(["serve", "--listen", &address]).on(&database).run().exits(2);
    run.says(&[&address]);
}

fn a_misspelt_setting_is_told_of(backend: Backend) {
    let database = Database::migrated(backend);
    let audit = || Bookstore::new(["audit"]).on(&database);
    audit()
        .env("BOOKSTORE_QUEU_LIMIT", "9")
        .run()
        .exits(0)
        .says(&["BOOKSTORE_QUEU_LIMIT", "no setting"]);
    let right = audit().env("BOOKSTORE_QUEUE_LIMIT", "9").run().exits(0);
    assert!(!right.stderr.contains("no setting"), "{right}");
}

fn a_wrong_command_is_exit_code_2(_: Backend) {
    for arguments in [
        &["sell"][..],
        &["--nonsense"],
        &["token"],
        &["import"],
        &["audit", "--format", "xml"],
        &["token", "revoke", "x"],
    ] {
        let run = Bookstore::new(arguments.iter().copied()).run().exits(2);
        assert!(!run.stderr.is_empty(), "{run}");
    }
}

//! What is logged: whom and what a line is about, the trace it belongs to, and never a secret.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

use crate::kit::{
    Backend, Bookstore, Client, Origin, Proxy, RunLog, Running, Scenario, Server, Shop, eventually,
    in_clean_environment,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_line_says_whom_and_what_it_is_about,
        a_trace_is_taken_over_and_rubbish_is_not,
        no_token_is_logged_wherever_it_is_put;
    Shop on Backend::SERVERS:
        a_password_is_in_no_line_whatever_becomes_of_the_database;
    Nothing on Backend::SERVERS:
        a_password_is_in_no_error_of_the_command_line;
    Nothing on Backend::EMBEDDED:
        the_search_of_the_log_of_a_run_finds_whatever_leaked;
    Shop on Backend::EMBEDDED:
        a_terminal_gets_text_and_anything_else_json,
        a_server_ends_with_the_terminal_that_it_was_started_in,
        a_log_that_cannot_be_written_stops_nobody;
];

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SECRET: &str = "correct-horse-battery";

/// A server that logs all it can, to a program.
fn talkative(shop: &Shop, level: &str) -> (Arc<Server>, Client) {
    let server = shop.server_on(&shop.database.url, &["--log", level]);
    let client = shop.storefront.at(&server);
    (server, client)
}

/// Every line of the log, each of which must be JSON.
fn lines(log: &str) -> Vec<Value> {
    let whole = &log[..log.rfind('\n').map_or(0, |end| end + 1)];
    let read = |line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}, so no JSON: {line}"))
    };
    whole.lines().map(read).collect()
}

/// The line about the answer to this request.
#[track_caller]
fn answered(server: &Server, request_id: &str) -> Value {
    eventually(Duration::from_secs(10), "the answer is logged", || {
        let of_answer = |line: &Value| {
            line["message"] == "answered" && line["request_id"].as_str() == Some(request_id)
        };
        lines(&server.log()).into_iter().find(of_answer)
    })
}

fn a_line_says_whom_and_what_it_is_about(shop: &Shop) {
    let (server, client) = talkative(shop, "info,bookstore::http=debug");
    let book = shop.book(10);
    let storefront = shop.database.connect().number("SELECT max(id) FROM clients");
    let bought = client.buy(book, 1).expect(201);
    let line = answered(&server, bought.header("x-request-id"));
    assert_eq!(line["client_id"], storefront, "{line}");
    assert_eq!(line["order_id"], bought.id(), "{line}");
    assert_eq!(line["status"], 201, "{line}");
    assert_eq!(line["path"], format!("/v1/books/{book}/purchases"), "{line}");
    assert_eq!((&line["level"], &line["method"]), (&"DEBUG".into(), &"POST".into()), "{line}");
    assert!(line["trace_id"].is_null(), "{line}");
    let looked = client.get(bought.header("location")).expect(200);
    let line = answered(&server, looked.header("x-request-id"));
    assert_eq!((&line["order_id"], &line["client_id"]), (&bought["id"], &storefront.into()));
    let anonymous = client.anonymous().get(&format!("/v1/books/{book}")).expect(200);
    let line = answered(&server, anonymous.header("x-request-id"));
    assert!(line["client_id"].is_null() && line["order_id"].is_null(), "{line}");
}

fn a_trace_is_taken_over_and_rubbish_is_not(shop: &Shop) {
    let (server, client) = talkative(shop, "info,bookstore::http=debug");
    let ask = |parent: &str| client.get("/healthz").header("traceparent", parent).expect(200);
    let answer = ask(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let line = answered(&server, answer.header("x-request-id"));
    assert_eq!(line["trace_id"], TRACE, "{line}");
    let response = format!("00-{TRACE}-{}-00", line["span_id"].as_str().unwrap());
    assert_eq!(answer.header("traceresponse"), response);
    let long = "0".repeat(5_000);
    let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
    for rubbish in ["", "00", &zero, &long, "00-\"-,{}-01", "é"] {
        let answer = ask(rubbish);
        let line = answered(&server, answer.header("x-request-id"));
        assert!(line["trace_id"].is_null() && line["span_id"].is_null(), "{line}");
        assert_eq!(answer.header("traceresponse"), "");
    }
    let twice =
        client.get("/healthz").header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let twice = twice.header("traceparent", "00-1-2-3").expect(200);
    assert_eq!(twice.header("traceresponse"), "");
}

/// Logs at `trace`, which is what every library has to say.
fn no_token_is_logged_wherever_it_is_put(shop: &Shop) {
    let (server, client) = talkative(shop, "trace");
    let token = client.token.clone().unwrap();
    let made_up = format!("bks_{}", "Q".repeat(43));
    let book = shop.book(10);
    client.buy(book, 1).key("a-key").expect(201);
    client.buy(book, 100).refused(409, "out_of_stock");
    client.with_token(&made_up).buy(book, 1).refused(401, "unauthorized");
    let anonymous = client.anonymous();
    for token in [&token, &made_up] {
        let basic = format!("Basic {token}");
        anonymous.buy(book, 1).header("Authorization", basic).refused(401, "unauthorized");
        anonymous.buy(book, 1).header("Authorization", format!("Bearer{token}")).expect(401);
        client.get(&format!("/v1/orders/{token}")).expect(404);
        client.get(&format!("/{token}")).expect(404);
        client.get("/v1/books").query(&[("q", token)]).send();
        client.get("/v1/books").query(&[("access_token", token)]).expect(400);
        let answer = client.get("/v1/books").header("X-Request-Id", token).expect(200);
        assert_ne!(answer.header("x-request-id"), token.as_str());
        client.get("/healthz").header("traceparent", token).expect(200);
        let body = format!("{{\"quantity\": 1, \"token\": \"{token}\"}}");
        let path = format!("/v1/books/{book}/purchases");
        client.call("POST".parse().unwrap(), &path).raw("application/json", body).expect(422);
        let body = format!("{{\"{token}\": ");
        client.call("POST".parse().unwrap(), &path).raw("application/json", body).expect(400);
    }
    let last = client.get("/healthz").expect(200);
    answered(&server, last.header("x-request-id"));
    server.stop();
    let log = server.log();
    assert!(log.contains("(holds a token)") && log.contains("\"level\":\"TRACE\""), "{log}");
    for token in [token, made_up] {
        let secret = &token["bks_".len()..];
        let leak = log.lines().find(|line| line.contains(secret));
        assert_eq!(leak, None, "the log holds a token");
    }
}

/// This database reached by someone who has a password, through `port` if given.
fn with_password(shop: &Shop, port: Option<u16>) -> String {
    let url =
        port.map_or_else(|| shop.database.url.clone(), |port| shop.database.url_through(port));
    let mut url = Url::parse(&url).unwrap();
    // The throw-away PostgreSQL trusts everybody, whatever the password; MariaDB asks for it.
    if shop.backend() == Backend::Mysql {
        let user = format!("someone_{}", std::process::id());
        let mut connection = shop.database.connect();
        connection.run(&format!("CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{SECRET}'"));
        connection.run(&format!("GRANT ALL ON *.* TO '{user}'@'%'"));
        url.set_username(&user).unwrap();
    }
    url.set_password(Some(SECRET)).unwrap();
    url.to_string()
}

fn a_password_is_in_no_line_whatever_becomes_of_the_database(shop: &Shop) {
    let proxy = Proxy::before(&shop.database);
    let url = with_password(shop, Some(proxy.port));
    let server = shop.server_on(&url, &["--log", "trace", "--request-timeout", "2"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(10);
    client.buy(book, 1).expect(201);
    proxy.cut();
    client.buy(book, 1).refused(503, "database_unavailable");
    eventually(Duration::from_secs(20), "the log says that the database is away", || {
        server.log().contains("cannot open a connection").then_some(())
    });
    proxy.mend();
    eventually(Duration::from_secs(30), "it sells again", || {
        (client.buy(book, 1).send().status == 201).then_some(())
    });
    let log = server.log();
    assert!(!log.contains(SECRET), "the log holds the password");
    lines(&log);
    shop.bookstore(["audit"]).env("DATABASE_URL", &with_password(shop, None)).run().exits(0);
}

fn a_password_is_in_no_error_of_the_command_line(backend: Backend) {
    let scheme = if backend == Backend::Postgres { "postgres" } else { "mysql" };
    for password in [
        "s3cr3t-word",
        "s3cr3t%zz-word",
        "s3cr3t/word",
        "s3cr3t?word",
        "s3cr3t#word",
        "s3cr3t%20word",
    ] {
        // Nobody listens on port 1.
        for rest in [
            format!("someone:{password}@127.0.0.1:1/books"),
            format!("someone:{password}@127.0.0.1:x/books"),
            format!("someone:{password}@127.0.0.1:1/books?what=ever"),
            format!("127.0.0.1:1/books?password={password}"),
            format!("127.0.0.1:1/books?password={password}&what=ever"),
        ] {
            let url = format!("{scheme}://{rest}");
            for command in ["migrate", "audit", "serve"] {
                let arguments = [command, "--log", "trace"];
                let run = Bookstore::new(arguments).env("DATABASE_URL", &url).run().exits(2);
                let said = run.said();
                assert!(!said.contains("s3cr3t") && !said.contains("word\""), "{url}\n{run}");
                // By the flag too, which the log might repeat.
                if command == "audit" {
                    let said = Bookstore::new([command, "--database-url", &url]).run().said();
                    assert!(!said.contains("s3cr3t"), "{url}\n{said}");
                }
            }
        }
    }
}

fn a_terminal_gets_text_and_anything_else_json(shop: &Shop) {
    let (piped, _) = talkative(shop, "info");
    eventually(Duration::from_secs(10), "a line of JSON", || {
        lines(&piped.log()).iter().any(|line| line["message"] == "serving").then_some(())
    });
    let text = shop.server_on(&shop.database.url, &["--log-format", "text"]);
    eventually(Duration::from_secs(10), "a line of text", || {
        let log = text.log();
        (log.contains("serving") && !log.contains('{')).then_some(())
    });
    let home = tempfile::tempdir().unwrap();
    let said = |flags: &str| {
        let terminal = in_a_terminal(shop, home.path(), flags);
        at_terminal(&terminal, "serving")
    };
    let usual = said("");
    assert!(!usual.contains('{'), "{usual}");
    let asked = said("--log-format json");
    assert!(asked.contains("\"message\":\"serving\""), "{asked}");
}

fn a_server_ends_with_the_terminal_that_it_was_started_in(shop: &Shop) {
    let home = tempfile::tempdir().unwrap();
    let terminal = in_a_terminal(shop, home.path(), "");
    let listening = at_terminal(&terminal, "listening on");
    let (_, address) = listening.trim().rsplit_once('/').unwrap();
    assert!(TcpStream::connect(address).is_ok());
    drop(terminal);
    eventually(Duration::from_secs(30), "the server has left its port", || {
        TcpStream::connect(address).is_err().then_some(())
    });
}

fn a_log_that_cannot_be_written_stops_nobody(shop: &Shop) {
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_bookstore");
    let serve = format!("exec {program} serve --listen 127.0.0.1:0 --log debug 2>/dev/full");
    let mut command = in_clean_environment("sh", home.path());
    command.args(["-c", &serve]).env("DATABASE_URL", &shop.database.url);
    let mut server = Running::start(&mut command, None);
    let listening = at_terminal(&server, "listening on");
    let (_, url) = listening.trim().split_once("listening on ").unwrap();
    let book = shop.book_like(json!({ "quantity": 2 }));
    let buyer = Client::to(url, shop.storefront.token.as_deref().unwrap());
    buyer.buy(book, 1).expect(201);
    buyer.buy(book, 5).expect(409);
    assert_eq!(server.terminate(), 0);
}

/// A server in a terminal of its own, which script(1) makes and which is closed when that is killed.
fn in_a_terminal(shop: &Shop, home: &Path, flags: &str) -> Running {
    let program = env!("CARGO_BIN_EXE_bookstore");
    let serve = format!("exec {program} serve --listen 127.0.0.1:0 {flags}");
    let mut command = in_clean_environment("script", home);
    command.args(["-qec", &serve, "/dev/null"]).env("DATABASE_URL", &shop.database.url);
    Running::start(&mut command, None)
}

/// The line with `words` that it shows.
fn at_terminal(terminal: &Running, words: &str) -> String {
    eventually(Duration::from_secs(30), "a line at the terminal", || {
        terminal.stdout().lines().find(|line| line.contains(words)).map(str::to_owned)
    })
}

/// The search that ends each run of these tests (see kit/run_log.rs), on small logs of its own.
fn the_search_of_the_log_of_a_run_finds_whatever_leaked(_: Backend) {
    let token = format!("bks_{}", &"aB3-_".repeat(9)[..43]);
    let process = |arguments: &[&str]| {
        let mut command = Command::new("/somewhere/bookstore");
        command.args(arguments).env("DATABASE_URL", "postgres://shop:pa55%21word@db/shop");
        Origin::of(&command)
    };
    let leaks = |stdout: &str, stderr: &str| {
        let mut run = RunLog::new();
        run.keep(&process(&["serve"]), stdout, stderr);
        run.keep(&process(&["token", "create", "--name", "me"]), &token, "made");
        let verdict = run.verdict();
        assert_eq!(verdict.is_good(), verdict.leaks.is_empty(), "{verdict}");
        verdict.leaks.len()
    };
    assert_eq!(leaks("listening on", "serving postgres://shop@db/shop\nbook-and_a_long_word"), 0);
    let bare = &token["bks_".len()..];
    let inside = format!("x{bare}y");
    for leak in [&token, bare, &inside, "bks_something", "pa55%21word", "pa55!word"] {
        assert_eq!(leaks("", &format!("before\n{{\"said\":\"{leak}\"}}\nafter")), 1, "{leak}");
        assert_eq!(leaks(&format!("listening on\n{leak}"), ""), 1, "{leak}");
    }
    // The first run shows its token, on standard output and there alone.
    let welcome = format!("Here is an admin token, which is shown only now:\n\n{token}");
    assert_eq!(leaks(&welcome, "serving"), 0);
    assert_eq!(leaks("", &welcome), 1);
    let mut empty = RunLog::new();
    empty.keep(&process(&["token", "create"]), &token, "");
    assert!(!empty.verdict().is_good(), "a log that holds nothing proves nothing");
}

//! A stranger types `bookstore` and believes us: the embedded default, from nothing.

use std::path::Path;

use crate::kit::{Backend, Bookstore, Client, Scenario, Server, finish, in_clean_environment};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::EMBEDDED:
        the_first_run_sells_a_book_with_the_line_it_prints,
        the_second_run_keeps_the_data_and_prints_no_token,
        other_commands_work_on_the_embedded_default,
];

/// No command, no settings: but a port of its own, since tests share the machine.
fn start(folder: &Path) -> Server {
    Server::from(Bookstore::new([]).env("BOOKSTORE_LISTEN", "127.0.0.1:0").within(folder))
}

fn said(server: &Server) -> String {
    format!("{}\n{}", server.stdout(), server.log())
}

pub fn token_in(said: &str) -> Option<String> {
    let start = said.find("bks_")?;
    let rest = &said[start..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// The curl command in `said`, with the lines that it goes on over.
pub fn curl_in(said: &str) -> Option<String> {
    let lines: Vec<_> = said.lines().collect();
    let first = lines
        .iter()
        .position(|line| line.trim_start().trim_start_matches("$ ").starts_with("curl "))?;
    let last = first + lines[first..].iter().position(|line| !line.trim_end().ends_with('\\'))?;
    Some(lines[first..=last].join("\n").trim_start().trim_start_matches("$ ").to_owned())
}

fn stock(admin: &Client) -> i64 {
    let books = admin.all("/v1/books", &[("limit", "100")]);
    books.iter().map(|book| book["quantity"].as_i64().unwrap()).sum()
}

fn the_first_run_sells_a_book_with_the_line_it_prints(_: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let everything = || {
        let said = said(&server);
        Some((token_in(&said)?, curl_in(&said)?))
    };
    let deadline = std::time::Duration::from_secs(20);
    let (token, curl) = crate::kit::eventually(deadline, "a token and a curl line", everything);
    assert!(folder.path().join("bookstore.db").exists());

    let admin = Client::new(&server, &token);
    let before = stock(&admin);
    assert!(before > 0, "the sample catalogue has something to sell");
    assert!(admin.all("/v1/books", &[]).len() >= 3);

    let mut shell = in_clean_environment("sh", folder.path());
    let bought = finish(shell.args(["-c", &curl]), &curl).exits(0);
    assert!(bought.said().contains("\"placed\""), "{bought}");
    assert!(stock(&admin) < before, "{bought}");
    admin.post("/v1/books", crate::kit::new_book(serde_json::json!({}))).expect(201);

    let database = format!("sqlite://{}", folder.path().join("bookstore.db").display());
    Bookstore::new(["audit"]).env("DATABASE_URL", &database).run().exits(0);
}

fn the_second_run_keeps_the_data_and_prints_no_token(_: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    let find = || token_in(&said(&first));
    let token = crate::kit::eventually(std::time::Duration::from_secs(20), "a token", find);
    let admin = Client::new(&first, &token);
    let book = admin.all("/v1/books", &[("in_stock", "true")])[0]["id"].as_i64().unwrap();
    let order = admin.buy(book, 1).expect(201);
    let catalogue = admin.all("/v1/books", &[]);
    assert_eq!(first.stop(), 0);

    for end in [Server::crash as fn(&Server), |server: &Server| assert_eq!(server.stop(), 0)] {
        let again = start(folder.path());
        let admin = admin.at(&again);
        assert_eq!(admin.all("/v1/books", &[]), catalogue);
        assert_eq!(admin.get(order.header("location")).expect(200).body, order.body);
        end(&again);
        assert_eq!(token_in(&said(&again)), None, "{}", said(&again));
    }
    Bookstore::new(["audit"]).within(folder.path()).run().exits(0);
}

fn other_commands_work_on_the_embedded_default(_: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&'static str]| {
        Bookstore::new(arguments.iter().copied()).within(folder.path()).run()
    };
    run(&["migrate"]).exits(0);
    assert!(folder.path().join("bookstore.db").exists());
    run(&["audit"]).exits(0);
    let token = run(&["token", "create", "--role", "storefront", "--name", "till"]).exits(0);
    run(&["token", "list"]).exits(0).says(&["till"]);

    let server = start(folder.path());
    Client::new(&server, token.stdout.trim()).get("/v1/orders").expect(200);
}

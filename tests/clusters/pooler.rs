//! PostgreSQL behind pgbouncer: in session mode the shop works, in the others it says what to do and does
//! not start.

use crate::kit::{Backend, Bookstore, Client, Database, Server, create_token, isbn, new_book};
use crate::machine::Machine;
use serde_json::json;

/// The modes, and the port of the pgbouncer in each, as scripts/lib/clusters.sh starts them.
const MODES: [(&str, u16); 3] = [("session", 6432), ("transaction", 6433), ("statement", 6434)];

/// All that work on a shop's books. (`race` has tables of its own, and does not look.)
const COMMANDS: [&[&str]; 5] = [
    &["serve"],
    &["migrate"],
    &["token", "create", "--role", "admin", "--name", "pooled"],
    &["import", "books.csv"],
    &["audit"],
];

/// What a refusal must say.
const ADVICE: &str = "set pool_mode = session";

pub fn run() -> bool {
    let database = Database::migrated(Backend::Postgres);
    println!("\nPostgreSQL behind pgbouncer");
    let outcomes = MODES.map(|(mode, port)| {
        let url =
            format!("postgres://postgres@{}:{port}/{}", Machine(1).address(), database.name());
        let outcome =
            if mode == "session" { sells(&database, &url) } else { is_refused(&database, &url) };
        println!("pool_mode = {mode:<12} {}", outcome.as_ref().unwrap_or_else(|wrong| wrong));
        outcome.is_ok()
    });
    outcomes.iter().all(|is_right| *is_right)
}

fn sells(database: &Database, url: &str) -> Result<String, String> {
    let server = Server::start(url, &["--log", "error"]);
    let client = Client::to(&server.url, &create_token(database, "admin", "pooled"));
    let book = client.post("/v1/books", new_book(json!({ "quantity": 3 }))).expect(201);
    let id = book["id"].as_i64().unwrap();
    let statuses: Vec<u16> = (0..4).map(|_| client.buy(id, 1).send().status).collect();
    let code = server.stop();
    let said = format!("3 copies sold one by one: {statuses:?}, exit code {code}");
    if statuses == [201, 201, 201, 409] && code == 0 {
        Ok(said)
    } else {
        Err(format!("WRONG: {said}"))
    }
}

fn is_refused(database: &Database, url: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let csv = format!("isbn,title,author,quantity\n{isbn},Pooled,A. Writer,3\n");
    std::fs::write(folder.path().join("books.csv"), csv).unwrap();
    let before = database.fingerprint();
    for command in COMMANDS {
        let run = Bookstore::new(command.iter().copied());
        let run = run.env("DATABASE_URL", url).within(folder.path()).run();
        if run.code != 2 || !run.said().contains(ADVICE) {
            let command = command.join(" ");
            return Err(format!("WRONG: {command} ended with {}: {}", run.code, run.said()));
        }
    }
    if database.fingerprint() != before {
        return Err("WRONG: something was written".to_owned());
    }
    let names = COMMANDS.map(|command| command[0]).join(", ");
    Ok(format!("refused are {names}: \"{ADVICE}\""))
}

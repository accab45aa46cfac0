//! A CSV file becomes a catalogue: what is certain goes in, what is not is said.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::kit::{Backend, Bookstore, Finished, Scenario, Shop, isbn};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_dirty_file_goes_in_as_far_as_it_is_certain,
        a_second_import_changes_nothing,
        defaults_fill_what_the_file_does_not_say,
        an_update_changes_the_catalogue_but_never_the_quantity,
        an_import_that_was_killed_is_finished_by_the_next,
        two_imports_at_once_double_nothing,
        an_imported_book_is_for_sale,
        an_archived_book_is_not_brought_back,
        long_texts_are_taken_in_a_few_at_a_time;
    Shop on Backend::EMBEDDED:
        a_table_for_people_says_the_same;
];

/// A folder with `books.csv` in it.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn with(csv: impl AsRef<[u8]>) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        std::fs::write(files.path("books.csv"), csv).unwrap();
        files
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn import(&self, shop: &Shop, options: &[&str]) -> Finished {
        let arguments = [&["import", "books.csv", "--format", "json"], options].concat();
        shop.bookstore(arguments).within(self.0.path()).run()
    }
}

/// The counts of a report: rows, imported, updated, existing, rejected.
pub fn counts(report: &Value) -> [i64; 5] {
    ["rows", "imported", "updated", "existing", "rejected"]
        .map(|name| report[name].as_i64().unwrap())
}

/// The rows of a rejects file as (line, reason, row).
pub fn rejects(path: &Path) -> Vec<(u64, String, String)> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    assert_eq!(header.iter().take(3).collect::<Vec<_>>(), ["file", "line", "reason"]);
    let row = |row: csv::StringRecord| {
        assert!(row[0].ends_with(".csv"), "{row:?}");
        (
            row[1].parse().unwrap(),
            row[2].to_owned(),
            row.iter().skip(3).collect::<Vec<_>>().join("|"),
        )
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

pub fn book_of(shop: &Shop, isbn: &str) -> Option<Value> {
    let found = shop.admin.get("/v1/books").query(&[("isbn", isbn)]).expect(200);
    found["data"].as_array().unwrap().first().cloned()
}

/// Line 1 is the header; the fourth title runs over two lines.
const DIRTY: &str = "\
isbn,isbn13,title,authors,price,quantity
439023483,9.78043902348e+12,\"The Hunger Games (The Hunger Games, #1)\",Suzanne Collins,10.50,3
080442957X,,Ten with an X,Someone,1.00,1
,9780306406157,Only thirteen,Someone Else,0,0
007462542X,,\"A title over
two lines\",A. Writer,5,
439023484,9.78043902348e+12,Check digit is wrong and the rest was lost,Nobody,1,1
,,No number at all,Nobody,1,1
9780439023482,,Thirteen with a wrong check digit,Nobody,1,1
439023483,,The Hunger Games again,Suzanne Collins,10.50,3
0306406152,,The same as line 4 in ten,Someone Else,0,0
0-14-044913-2,,,No title,1,1
0140449132,,Crime and Punishment,Fyodor Dostoyevsky,-1,1
0140449132,,Crime and Punishment,Fyodor Dostoyevsky,1,-1
0140449132,,Crime and Punishment,Fyodor Dostoyevsky,cheap,1
0140449132,,Crime and Punishment,Fyodor Dostoyevsky,1,2000000001
0140449132,,Crime and Punishment
0140449132,,Crime and Punishment,Fyodor Dostoyevsky,7.25,2
";

fn a_dirty_file_goes_in_as_far_as_it_is_certain(shop: &Shop) {
    let files = Files::with(DIRTY);
    let report = files.import(shop, &[]).exits(1).json();
    let [rows, imported, updated, _, rejected] = counts(&report);
    assert_eq!((rows, imported, updated), (16, 5, 0), "{report}");
    assert_eq!(report["file"].as_str().map(|file| file.ends_with("books.csv")), Some(true));

    let file = PathBuf::from(report["rejects_file"].as_str().unwrap());
    let rejects = rejects(&files.folder().join(file));
    assert_eq!(rejects.len() as i64, rejected);
    let lines: Vec<_> = rejects.iter().map(|(line, ..)| *line).collect();
    for line in [7, 8, 9, 12, 13, 14, 15, 16, 17] {
        assert!(lines.contains(&line), "line {line} is not among {rejects:#?}");
    }
    assert!(
        rejects.iter().all(|(_, reason, row)| reason.len() > 5 && !row.is_empty()),
        "{rejects:#?}"
    );
    let wrong = rejects.iter().find(|(line, ..)| *line == 7).unwrap();
    assert!(wrong.2.contains("439023484"), "keeps the row as it was: {wrong:?}");

    let expected = [
        ("9780439023481", "The Hunger Games (The Hunger Games, #1)", "Suzanne Collins", 1050, 3),
        ("9780804429573", "Ten with an X", "Someone", 100, 1),
        ("9780306406157", "Only thirteen", "Someone Else", 0, 0),
        (&isbn::thirteen("007462542"), "A title over\ntwo lines", "A. Writer", 500, 0),
        ("9780140449136", "Crime and Punishment", "Fyodor Dostoyevsky", 725, 2),
    ];
    for (isbn, title, author, price, quantity) in expected {
        let book = book_of(shop, isbn).unwrap_or_else(|| panic!("{isbn} is not in"));
        let squeezed =
            |text: &Value| text.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed(&book["title"]), squeezed(&json!(title)));
        assert_eq!((&book["author"], &book["price"]["amount"]), (&json!(author), &json!(price)));
        assert_eq!(book["quantity"], quantity, "{book}");
    }
    assert_eq!(shop.admin.all("/v1/books", &[]).len(), 5);
    let initial = shop
        .database
        .connect()
        .number("SELECT count(*) FROM stock_movements WHERE reason = 'initial'");
    assert_eq!(initial, 3, "copies come with a movement, no copies without");
    let entries = shop.database.connect().number("SELECT count(*) FROM stock_entries");
    assert_eq!(entries, 1, "one file is one entry");
}

fn a_second_import_changes_nothing(shop: &Shop) {
    let files = Files::with(DIRTY);
    let first = files.import(shop, &[]).exits(1).json();
    let sold = book_of(shop, "9780439023481").unwrap()["id"].as_i64().unwrap();
    shop.storefront.buy(sold, 2).expect(201);
    let looks = || (shop.database.fingerprint(), shop.admin.all("/v1/books", &[]));
    let before = looks();
    for _ in 0..2 {
        let again = files.import(shop, &[]).exits(1).json();
        let [rows, imported, updated, existing, rejected] = counts(&again);
        assert_eq!((rows, imported, updated), (16, 0, 0), "{again}");
        assert_eq!(rejected, counts(&first)[4]);
        assert_eq!(existing, counts(&first)[1] + counts(&first)[3]);
        assert_eq!(looks(), before);
    }
}

fn defaults_fill_what_the_file_does_not_say(shop: &Shop) {
    let [a, b] = [isbn::unused_nine(), isbn::unused_nine()].map(|nine| isbn::thirteen(&nine));
    let files =
        Files::with(format!("isbn,title,author,price,quantity\n{a},A,X,,\n{b},B,X,3.00,1\n"));
    let report = files
        .import(shop, &["--default-price", "1999", "--default-quantity", "12"])
        .exits(0)
        .json();
    assert_eq!(counts(&report), [2, 2, 0, 0, 0]);
    assert_eq!(report["unpriced"], 1, "the report says how many have the default price");
    assert!(report["rejects_file"].is_null(), "nothing was rejected: {report}");
    assert!(!files.path("books.rejects.csv").exists());
    let stands = |isbn: &str| {
        let book = book_of(shop, isbn).unwrap();
        (book["price"]["amount"].as_i64().unwrap(), book["quantity"].as_i64().unwrap())
    };
    assert_eq!((stands(&a), stands(&b)), ((1999, 12), (300, 1)));
}

fn an_update_changes_the_catalogue_but_never_the_quantity(shop: &Shop) {
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let same = isbn::thirteen(&isbn::unused_nine());
    let row = |title: &str, price: &str| {
        format!(
            "isbn,title,author,price,quantity\n{isbn},{title},New author,{price},50\n{same},S,S,1.00,1\n"
        )
    };
    Files::with(row("Old title", "1.00")).import(shop, &[]).exits(0);
    let old = book_of(shop, &isbn).unwrap();
    shop.storefront.buy(old["id"].as_i64().unwrap(), 1).expect(201);

    let files = Files::with(row("New title", "2.00"));
    let left_alone = files.import(shop, &[]).exits(0).json();
    assert_eq!(counts(&left_alone), [2, 0, 0, 2, 0]);
    assert_eq!(book_of(shop, &isbn).unwrap()["title"], "Old title");

    let report = files.import(shop, &["--update"]).exits(0).json();
    assert_eq!(counts(&report), [2, 0, 1, 1, 0], "{report}");
    let new = book_of(shop, &isbn).unwrap();
    assert_eq!((&new["title"], &new["price"]["amount"]), (&json!("New title"), &json!(200)));
    assert_eq!((&new["quantity"], &new["version"]), (&json!(49), &json!(2)));
    let again = files.import(shop, &["--update"]).exits(0).json();
    assert_eq!(counts(&again), [2, 0, 0, 2, 0], "nothing is left to update");
    assert_eq!(book_of(shop, &isbn).unwrap(), new);
}

/// A file of so many new books with one copy each.
fn many(books: usize) -> String {
    let row = |_| format!("{},Title,Author,1.00,1\n", isbn::thirteen(&isbn::unused_nine()));
    "isbn,title,author,price,quantity\n".to_owned() + &(0..books).map(row).collect::<String>()
}

fn an_import_that_was_killed_is_finished_by_the_next(shop: &Shop) {
    const BOOKS: usize = 20_000;
    let files = Files::with(many(BOOKS));
    let mut watcher = shop.database.connect();
    let mut written = || watcher.number("SELECT count(*) FROM books");
    let mut running =
        Bookstore::new(["import", "books.csv"]).on(&shop.database).within(files.folder()).spawn();
    crate::kit::eventually(std::time::Duration::from_secs(120), "some books", || {
        (written() > 0 || running.ended().is_some()).then_some(())
    });
    running.kill();
    shop.audit();
    let there = written();
    let report = files.import(shop, &[]).exits(0).json();
    let [rows, imported, _, existing, _] = counts(&report);
    assert_eq!(rows, BOOKS as i64);
    // What the killed run had in flight may still have been committed after we looked.
    assert!(imported <= BOOKS as i64 - there, "{there} were there: {report}");
    assert_eq!(imported + existing, BOOKS as i64);
    let mut connection = shop.database.connect();
    assert_eq!(connection.number("SELECT count(*) FROM books"), BOOKS as i64);
    assert_eq!(connection.number("SELECT sum(quantity) FROM books"), BOOKS as i64);
    assert_eq!(connection.number("SELECT count(*) FROM stock_movements"), BOOKS as i64);
}

fn two_imports_at_once_double_nothing(shop: &Shop) {
    const BOOKS: usize = 3_000;
    let files = [(); 2].map(|()| Files::with(""));
    let csv = many(BOOKS);
    for files in &files {
        std::fs::write(files.path("books.csv"), &csv).unwrap();
    }
    let reports = crate::kit::at_once(2, |number| files[number].import(shop, &[]).exits(0).json());
    let sum = |place: usize| reports.iter().map(|report| counts(report)[place]).sum::<i64>();
    assert_eq!((sum(1), sum(3)), (BOOKS as i64, BOOKS as i64), "{reports:#?}");
    let mut connection = shop.database.connect();
    assert_eq!(connection.number("SELECT sum(quantity) FROM books"), BOOKS as i64);
    assert_eq!(connection.number("SELECT count(*) FROM stock_movements"), BOOKS as i64);
}

fn an_imported_book_is_for_sale(shop: &Shop) {
    Files::with(DIRTY).import(shop, &[]).exits(1);
    let book = book_of(shop, "9780439023481").unwrap()["id"].as_i64().unwrap();
    let order = shop.storefront.buy(book, 3).expect(201);
    assert_eq!(order["total"]["amount"], 3150);
    shop.storefront.buy(book, 1).refused(409, "out_of_stock");
    assert_eq!(shop.admin.movements(book).len(), 2);
}

fn an_archived_book_is_not_brought_back(shop: &Shop) {
    let files = Files::with(many(2));
    files.import(shop, &[]).exits(0);
    let book = shop.admin.all("/v1/books", &[])[0]["id"].as_i64().unwrap();
    shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
    for options in [&[][..], &["--update"]] {
        let report = files.import(shop, options).json();
        assert_eq!(counts(&report)[1], 0, "{report}");
        shop.admin.get(&format!("/v1/books/{book}")).refused(404, "unknown_book");
    }
}

fn a_table_for_people_says_the_same(shop: &Shop) {
    let files = Files::with(DIRTY);
    let run = shop.bookstore(["import", "books.csv"]).within(files.folder()).run().exits(1);
    let run = run.says(&["16", "books.rejects.csv"]);
    assert!(!run.said().contains('\u{1b}'), "no progress bar when nobody watches\n{run}");
}

/// By their words and not only by their number: each word is a row of the index. What one transaction took in
/// is of one moment.
fn long_texts_are_taken_in_a_few_at_a_time(shop: &Shop) {
    let (title, author) = ("長い題名 ".repeat(100), "長い名前 ".repeat(200));
    let row = |_| format!("{},{title},{author},1.00\n", isbn::thirteen(&isbn::unused_nine()));
    let rows: String = (0..200).map(row).collect();
    let file = Files::with(format!("isbn,title,author,price\n{rows}"));
    let report = file.import(shop, &[]).exits(0).json();
    assert_eq!(counts(&report), [200, 200, 0, 0, 0]);
    let mut connection = shop.database.connect();
    let moments = connection.number("SELECT count(DISTINCT created_at) FROM books");
    assert_eq!(moments, 3, "200 books of 3,900 bytes each, and 256 KiB at once");
    crate::index::assert_in_step(shop);
}

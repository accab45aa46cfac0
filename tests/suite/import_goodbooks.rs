//! Ten thousand real rows, as dirty as they were published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::kit::{Backend, Missing, Scenario, Shop, isbn};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] =
    scenarios![Shop on Backend::ALL: goodbooks_goes_in_and_none_of_it_wrongly];

/// Titles whose number can be recovered for certain.
const RECOVERABLE: usize = 9_277;

pub fn missing() -> Option<Missing> {
    let what = "import_goodbooks: no ../shared/data/goodbooks-10k.csv beside the repository";
    file().is_none().then(|| Missing { what: what.to_owned(), is_optional: true })
}

/// The file lies beside the repository; it is too large to be in it.
fn file() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/goodbooks-10k.csv");
    beside.canonicalize().ok()
}

/// What a row says about its number, by a rule of our own: the ISBN-10 with the zeros it lost, or
/// every ISBN-13 that the other column can mean.
struct Numbers {
    ten: Option<String>,
    thirteen: BTreeSet<String>,
}

impl Numbers {
    fn of(row: &BTreeMap<String, String>) -> Self {
        let padded = format!("{:0>10}", row["isbn"].trim());
        let is_whole = padded.len() == 10
            && padded[..9].bytes().all(|byte| byte.is_ascii_digit())
            && isbn::ten(&padded[..9]) == padded.to_uppercase()
            && !row["isbn"].trim().is_empty();
        let ten = is_whole.then(|| isbn::thirteen(&padded[..9]));
        Self { ten, thirteen: meanings(row["isbn13"].trim()) }
    }

    /// The one number that the row can mean, if there is only one.
    fn certain(&self) -> Option<&String> {
        let only = self.thirteen.first().filter(|_| self.thirteen.len() == 1);
        self.ten.as_ref().or(only)
    }
}

/// The valid ISBN-13s that are written as `text` when a spreadsheet keeps 12 significant digits.
fn meanings(text: &str) -> BTreeSet<String> {
    let Ok(number) = text.parse::<f64>() else { return BTreeSet::new() };
    let is_exact = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
    let around = if is_exact { 0..=0 } else { -5..=5 };
    let candidates = around.map(|step| format!("{:013}", number as i64 + step));
    candidates.filter(|isbn| is_book(isbn)).collect()
}

fn is_book(isbn: &str) -> bool {
    // 979 has a check digit by the same rule, but `thirteen` makes only 978; none is in the file.
    isbn.len() == 13 && isbn.starts_with("978") && isbn::thirteen(&isbn[3..12]) == isbn
}

fn goodbooks_goes_in_and_none_of_it_wrongly(shop: &Shop) {
    let file = file().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let import = || {
        let arguments = [
            "import",
            file.to_str().unwrap(),
            "--format",
            "json",
            "--default-price",
            "999",
            "--default-quantity",
            "5",
        ];
        shop.bookstore(arguments).within(folder.path()).run().exits(1).json()
    };
    let report = import();
    let count = |report: &Value, name: &str| report[name].as_u64().unwrap() as usize;
    let imported = count(&report, "imported");
    assert_eq!(count(&report, "rows"), 10_000);
    assert!(imported >= RECOVERABLE, "{report}");
    let accounted = imported + count(&report, "existing") + count(&report, "rejected");
    assert_eq!(accounted, 10_000, "{report}");

    let books = shop.admin.all("/v1/books", &[("sort", "id"), ("limit", "100")]);
    assert_eq!(books.len(), imported);
    check_each(&books);
    let rejected =
        csv::Reader::from_path(folder.path().join(report["rejects_file"].as_str().unwrap()))
            .unwrap()
            .into_records()
            .count();
    assert_eq!(rejected, count(&report, "rejected"));

    let before = (shop.database.fingerprint(), books);
    let again = import();
    assert_eq!((count(&again, "imported"), count(&again, "updated")), (0, 0), "{again}");
    assert_eq!(count(&again, "rejected"), rejected);
    let books = shop.admin.all("/v1/books", &[("sort", "id"), ("limit", "100")]);
    assert!((shop.database.fingerprint(), books) == before, "the second import changed something");
}

/// Demands of each book that a row of its title and author means its number, and no other; and of
/// each row that can be recovered that its book is there.
fn check_each(books: &[Value]) {
    let mut reader = csv::Reader::from_path(file().unwrap()).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let mut meant = BTreeMap::<String, Vec<&BTreeMap<String, String>>>::new();
    for row in &rows {
        if let Some(isbn) = Numbers::of(row).certain() {
            meant.entry(isbn.clone()).or_default().push(row);
        }
    }
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for book in books {
        let text = |member: &str| squeezed(book[member].as_str().unwrap());
        let rows = meant.get(&text("isbn")).unwrap_or_else(|| panic!("no row means {book}"));
        let is_of = |row: &&BTreeMap<String, String>| {
            squeezed(&row["title"]) == text("title") && squeezed(&row["authors"]) == text("author")
        };
        assert!(rows.iter().any(is_of), "{book} is none of {rows:?}");
        assert_eq!(
            (&book["price"]["amount"], &book["quantity"]),
            (&999.into(), &5.into()),
            "{book}"
        );
    }
    let there: BTreeSet<_> = books.iter().map(|book| book["isbn"].as_str().unwrap()).collect();
    assert_eq!(there.len(), books.len());
    for row in &rows {
        if let Some(isbn) = Numbers::of(row).ten {
            assert!(there.contains(isbn.as_str()), "{isbn} is missing: {row:?}");
        }
    }
}

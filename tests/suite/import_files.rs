//! The files of an import: what they may look like, what they are called, where the rejects go.

use serde_json::json;

use crate::import::{Files, book_of, counts, rejects};
use crate::kit::{Backend, Scenario, Shop, isbn};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        columns_can_be_named;
    Shop on Backend::EMBEDDED:
        a_file_that_cannot_be_used_is_exit_code_2,
        the_wild_spells_its_columns_in_many_ways,
        a_file_of_another_form_is_read_all_the_same,
        rejects_go_where_they_are_told,
];

/// For files that have no price of their own.
const PRICE: [&str; 2] = ["--default-price", "100"];

fn columns_can_be_named(shop: &Shop) {
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let files = Files::with(format!(
        "Artikel,Titel,Wer,title,price\n{isbn},Der Titel,Die Autorin,wrong,1\n"
    ));
    files.import(shop, &[]).exits(2).says(&["isbn"]);
    let named = ["--column", "isbn=Artikel", "--column", "title=Titel", "--column", "author=Wer"];
    files.import(shop, &named).exits(0);
    let book = book_of(shop, &isbn).unwrap();
    assert_eq!((&book["title"], &book["author"]), (&json!("Der Titel"), &json!("Die Autorin")));
    for wrong in ["title=Nowhere", "titel=Titel", "title", "=", ""] {
        let run = files.import(shop, &["--column", wrong]).exits(2);
        assert!(!run.said().contains("panicked"), "{run}");
    }
}

fn a_file_that_cannot_be_used_is_exit_code_2(shop: &Shop) {
    let before = shop.database.fingerprint();
    let unusable: [&[u8]; 5] =
        [b"", b"\n", b"name,size\nx,1\n", b"title,author\nT,A\n", b"\0\0\0\0\0"];
    for bytes in unusable {
        let run = Files::with(bytes).import(shop, &[]).exits(2);
        assert!(!run.said().contains("panicked"), "{run}");
    }
    let files = Files::with("isbn,title,author\n");
    files.import(shop, &[]).exits(0);
    shop.bookstore(["import", "nowhere.csv"])
        .within(files.folder())
        .run()
        .exits(2)
        .says(&["nowhere.csv"]);
    shop.bookstore(["import", "."]).within(files.folder()).run().exits(2);
    for options in [
        ["--default-price", "-1"],
        ["--default-price", "100000001"],
        ["--default-quantity", "2000000001"],
        ["--default-quantity", "x"],
    ] {
        files.import(shop, &options).exits(2).says(&[options[0]]);
    }
    assert_eq!(shop.database.fingerprint(), before);
}

fn the_wild_spells_its_columns_in_many_ways(shop: &Shop) {
    let headers = [
        "isbn,title,author",
        "ISBN,Title,Author",
        "isbn13,original_title,authors",
        "isbn_13,title,authors",
        "ISBN-13, Title , Author ",
        "isbn_10,title,author",
        "isbn10,title,author",
        "\u{feff}isbn,title,author",
    ];
    for header in headers {
        let nine = isbn::unused_nine();
        let number = if header.contains("10") { isbn::ten(&nine) } else { isbn::thirteen(&nine) };
        let files =
            Files::with(format!("{header},price,quantity\n{number},The title,The author,2.50,4\n"));
        files.import(shop, &[]).exits(0);
        let book = book_of(shop, &number).unwrap_or_else(|| panic!("{header}"));
        assert_eq!(
            (&book["title"], &book["author"]),
            (&json!("The title"), &json!("The author")),
            "{header}"
        );
        assert_eq!(
            (&book["price"]["amount"], &book["quantity"]),
            (&json!(250), &json!(4)),
            "{header}"
        );
    }
}

fn a_file_of_another_form_is_read_all_the_same(shop: &Shop) {
    let isbn = || isbn::thirteen(&isbn::unused_nine());
    let (crlf, quoted, latin) = (isbn(), isbn(), isbn());
    let csv = format!(
        "isbn,title,author\r\n{crlf},With CRLF,A\r\n\"{quoted}\",\"Say \"\"friend\"\"\",\"B, C\"\r\n\r\n"
    );
    Files::with(csv).import(shop, &PRICE).exits(0);
    assert_eq!(book_of(shop, &crlf).unwrap()["author"], "A");
    let book = book_of(shop, &quoted).unwrap();
    assert_eq!((&book["title"], &book["author"]), (&json!("Say \"friend\""), &json!("B, C")));

    // Not UTF-8: a guess at what it means could be wrong, so it is rejected, and its neighbours are not.
    let fine = isbn::thirteen(&isbn::unused_nine());
    let mut bytes = format!("isbn,title,author\n{fine},Fine,A\n{latin},Caf").into_bytes();
    bytes.extend(b"\xe9,B\n");
    let files = Files::with(bytes);
    let report = files.import(shop, &PRICE).exits(1).json();
    assert_eq!(counts(&report), [2, 1, 0, 0, 1], "{report}");
    assert!(book_of(shop, &fine).is_some() && book_of(shop, &latin).is_none());
}

fn rejects_go_where_they_are_told(shop: &Shop) {
    let files = Files::with("isbn,title,author\nx,T,A\n");
    let report = files.import(shop, &[]).exits(1).json();
    assert!(report["rejects_file"].as_str().unwrap().ends_with("books.rejects.csv"), "{report}");
    assert_eq!(rejects(&files.path("books.rejects.csv")).len(), 1);

    let report = files.import(shop, &["--rejects", "elsewhere.csv"]).exits(1).json();
    assert!(report["rejects_file"].as_str().unwrap().ends_with("elsewhere.csv"));
    let rejected = rejects(&files.path("elsewhere.csv"));
    assert_eq!((rejected[0].0, rejected[0].2.as_str()), (2, "x|T|A"));
    files.import(shop, &["--rejects", "no/such/folder.csv"]).exits(2).says(&["no/such/folder.csv"]);
    // Never over the file that it reads.
    files.import(shop, &["--rejects", "books.csv"]).exits(2);
    assert_eq!(
        std::fs::read_to_string(files.path("books.csv")).unwrap(),
        "isbn,title,author\nx,T,A\n"
    );
}

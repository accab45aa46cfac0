//! The books of a basket page: `GET /v1/books?ids=1,2,3`.

use std::collections::{BTreeSet, HashMap};

use actix_web::{HttpResponse, web};

use super::problem::Problem;
use super::view::{BookView, PageView};
use super::{Shop, caching};
use crate::domain::limits::MAX_PAGE;
use crate::domain::{Book, BookId};
use crate::store::books;

/// Those of these books that are for sale, each once, in the order in which they were asked for.
pub(super) async fn list(shop: web::Data<Shop>, ids: &str) -> Result<HttpResponse, Problem> {
    let ids = parse(ids)?;
    let asked: BTreeSet<BookId> = ids.iter().copied().collect();
    let found = shop.read(move |connection| books::find_many_active(connection, &asked)).await?;
    let mut found: HashMap<BookId, Book> = found.into_iter().map(|book| (book.id, book)).collect();
    let books = ids.iter().filter_map(|id| found.remove(id));
    let data = books.map(|book| BookView::new(&shop, book)).collect();
    Ok(HttpResponse::Ok().insert_header(caching::LIVE).json(PageView { data, next: None }))
}

/// 1 to 100 ids, with commas between them.
fn parse(ids: &str) -> Result<Vec<BookId>, Problem> {
    let ids: Vec<&str> = ids.split(',').collect();
    if ids.len() > MAX_PAGE {
        let count = ids.len();
        return Err(Problem::malformed(format!("`ids` must be 1 to {MAX_PAGE} ids, not {count}")));
    }
    let id = |text: &str| -> Option<BookId> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let is_canonical = is_number && !text.starts_with('0');
        text.parse().ok().filter(|_| is_canonical).map(BookId)
    };
    let parsed: Option<Vec<BookId>> = ids.into_iter().map(id).collect();
    parsed.ok_or_else(|| {
        Problem::malformed("`ids` must be ids of books with commas between them, as in 1,2,3")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_numbers_with_commas_between_them() {
        assert_eq!(parse("3,1,3").unwrap(), [BookId(3), BookId(1), BookId(3)]);
        assert_eq!(parse(&vec!["7"; MAX_PAGE].join(",")).unwrap().len(), MAX_PAGE);
        assert_eq!(parse("9223372036854775807").unwrap(), [BookId(i64::MAX)]);
        for ids in ["", ",", "1,", ",1", "1,,2", "0", "-1", "+1", "1.5", "x", "1 ,2", "1;2", "\0"] {
            assert!(parse(ids).is_err(), "{ids}");
        }
        assert!(parse("007").is_err(), "an id is written in one way");
        assert!(parse("9223372036854775808").is_err());
        assert!(parse(&vec!["7"; MAX_PAGE + 1].join(",")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_of_ids_to_the_letter_or_refused(
            text in "[0-9,]{0,12}|[1-9][0-9]{0,18}(,[1-9][0-9]{0,18}){0,3}|(7,){97,101}[0-9]|[1-9 +,-]{0,6}|.{0,9}",
        ) {
            // What reads as positive numbers, and is what those are written as.
            let read = text.split(',').filter_map(|id| id.parse().ok()).filter(|id| *id > 0_i64);
            let read: Vec<i64> = read.collect();
            let written = read.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            let is_right = written == text && (1..=100).contains(&read.len());
            let ids = parse(&text).ok().map(|ids| ids.into_iter().map(|BookId(id)| id).collect());
            prop_assert_eq!(ids, is_right.then_some(read));
        }
    }
}

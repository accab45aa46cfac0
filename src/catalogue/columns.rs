//! Which column of a file holds what.

use std::str::FromStr;

use super::amounts::Unit;
use super::recovery::Kind;

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// ISBN-10, with or without its leading zeros, or ISBN-13.
    Isbn,
    /// ISBN-13.
    Isbn13,
    /// Title.
    Title,
    /// Author or authors.
    Author,
    /// Price of one copy.
    Price,
    /// Copies of a book that is new.
    Quantity,
}

impl Field {
    const ALL: [Self; 6] =
        [Self::Isbn, Self::Isbn13, Self::Title, Self::Author, Self::Price, Self::Quantity];

    /// The word in `--column WORD=HEADER`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Isbn => "isbn",
            Self::Isbn13 => "isbn13",
            Self::Title => "title",
            Self::Author => "author",
            Self::Price => "price",
            Self::Quantity => "quantity",
        }
    }

    /// Headers as found in the wild, [`plain`], the best first.
    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Isbn => &["isbn", "isbn10", "isbnnumber", "isbncode"],
            Self::Isbn13 => &["isbn13", "ean", "ean13"],
            Self::Title => &["title", "booktitle", "originaltitle", "name", "bookname"],
            Self::Author => &[
                "author",
                "authors",
                "authorname",
                "authornames",
                "bookauthor",
                "bookauthors",
                "writer",
                "writers",
            ],
            Self::Price => &[PRICE_MINOR, "price", "listprice", "retailprice", "unitprice"],
            Self::Quantity => &["quantity", "qty", "stock", "copies", "quantityinstock"],
        }
    }
}

/// The header of a price that counts minor units.
const PRICE_MINOR: &str = "priceminor";
/// What stands in for a title that is empty.
const ORIGINAL_TITLE: &str = "originaltitle";

/// What somebody said a column holds: `title=Name of the book`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedColumn {
    field: Field,
    header: String,
}

impl FromStr for NamedColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = || Field::ALL.map(Field::word).join(", ");
        let (word, header) = text.split_once('=').ok_or_else(|| {
            format!("it must be NAME=HEADER, for instance title=Name; NAME is one of {}", words())
        })?;
        let field =
            Field::ALL.into_iter().find(|field| field.word() == word.trim()).ok_or_else(|| {
                format!("{word:?} is nothing that a book has; before the = goes one of {}", words())
            })?;
        if header.trim().is_empty() {
            return Err(format!("the header is missing: {word}=HEADER"));
        }
        Ok(Self { field, header: header.to_owned() })
    }
}

/// Why a file's columns can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadColumns {
    /// Nothing in the header is known to mean this.
    #[error(
        "there is no column for the {0}; the columns are {1}. Say which it is with --column {word}=HEADER",
        word = .0.word()
    )]
    Missing(Field, String),
    /// `--column` names a header that is not there.
    #[error("--column {0}={1}: there is no column {1:?}; the columns are {2}")]
    NotThere(&'static str, String, String),
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Isbn | Self::Isbn13 => "ISBN (isbn)",
            field => field.word(),
        })
    }
}

/// Where in a row each thing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) isbns: Vec<(Kind, usize)>,
    pub(super) title: usize,
    pub(super) original_title: Option<usize>,
    pub(super) author: usize,
    pub(super) price: Option<(Unit, usize)>,
    pub(super) quantity: Option<usize>,
}

impl Columns {
    /// Finds each column by what `named` says, else by its header.
    ///
    /// # Errors
    /// [`BadColumns`] lists the columns that are there and names the option that helps.
    pub(super) fn find(header: &[&str], named: &[NamedColumn]) -> Result<Self, BadColumns> {
        let header = Header(header);
        for column in named {
            header.position(&column.header).ok_or_else(|| {
                BadColumns::NotThere(column.field.word(), column.header.clone(), header.list())
            })?;
        }
        let all = |field: Field| {
            let mut said = named.iter().filter(|column| column.field == field).peekable();
            match said.peek() {
                Some(_) => said.filter_map(|column| header.position(&column.header)).collect(),
                None => header.known(field),
            }
        };
        let first = |field: Field| -> Option<usize> { all(field).first().copied() };
        let needed =
            |field: Field| first(field).ok_or_else(|| BadColumns::Missing(field, header.list()));
        let mut isbns: Vec<_> = all(Field::Isbn).into_iter().map(|at| (Kind::Any, at)).collect();
        isbns.extend(all(Field::Isbn13).into_iter().map(|at| (Kind::Thirteen, at)));
        if isbns.is_empty() {
            return Err(BadColumns::Missing(Field::Isbn, header.list()));
        }
        let title = needed(Field::Title)?;
        Ok(Self {
            isbns,
            title,
            original_title: header.plain_position(ORIGINAL_TITLE).filter(|at| *at != title),
            author: needed(Field::Author)?,
            price: first(Field::Price).map(|at| (header.unit(at), at)),
            quantity: first(Field::Quantity),
        })
    }
}

struct Header<'a>(&'a [&'a str]);

impl Header<'_> {
    /// Where the header `name` is: to the letter, else whatever its case and punctuation.
    fn position(&self, name: &str) -> Option<usize> {
        let exact = self.0.iter().position(|header| *header == name);
        exact.or_else(|| self.plain_position(&plain(name)))
    }

    /// Of a name that is punctuation alone nothing is left, which is no column's name.
    fn plain_position(&self, plain_name: &str) -> Option<usize> {
        let mut headers = self.0.iter();
        headers.position(|header| !plain_name.is_empty() && plain(header) == plain_name)
    }

    /// Every column that is known to mean `field`, the best first.
    fn known(&self, field: Field) -> Vec<usize> {
        field.headers().iter().filter_map(|name| self.plain_position(name)).collect()
    }

    fn unit(&self, at: usize) -> Unit {
        match self.0.get(at).map(|header| plain(header)) {
            Some(header) if header == PRICE_MINOR => Unit::Minor,
            _ => Unit::Major,
        }
    }

    fn list(&self) -> String {
        let quoted: Vec<_> = self.0.iter().take(50).map(|header| format!("{header:?}")).collect();
        quoted.join(", ")
    }
}

/// A header without what people vary: case, spaces, hyphens, underscores, points.
fn plain(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(header: &[&str], named: &[&str]) -> Result<Columns, BadColumns> {
        let named: Vec<NamedColumn> = named.iter().map(|text| text.parse().unwrap()).collect();
        Columns::find(header, &named)
    }

    #[test]
    fn headers_of_the_wild_are_known() {
        let files: [&[&str]; 7] = [
            &["isbn", "title", "author"],
            &["ISBN-13", " Title ", "Authors"],
            &["isbn_10", "Original_Title", "author name"],
            &["EAN", "NAME", "writer"],
            &["ISBN 10", "Book-Title", "Book-Author"],
            &["isbn13", "name", "AUTHOR_NAME"],
            &["ISBN", "title", "authors"],
        ];
        for file in files {
            let columns = find(file, &[]).unwrap();
            assert_eq!((columns.isbns[0].1, columns.title, columns.author), (0, 1, 2), "{file:?}");
        }
    }

    #[test]
    fn the_columns_of_goodbooks_are_found() {
        let header =
            ["book_id", "books_count", "isbn", "isbn13", "authors", "original_title", "title"];
        let columns = find(&header, &[]).unwrap();
        assert_eq!(columns.isbns, [(Kind::Any, 2), (Kind::Thirteen, 3)]);
        assert_eq!((columns.title, columns.original_title, columns.author), (6, Some(5), 4));
        assert_eq!((columns.price, columns.quantity), (None, None));
    }

    #[test]
    fn a_price_is_in_major_units_unless_its_column_says_minor() {
        let price = |header: &str, named: &[&str]| {
            find(&["isbn", "title", "author", header], named).unwrap().price
        };
        assert_eq!(price("List Price", &[]), Some((Unit::Major, 3)));
        assert_eq!(price("price_minor", &[]), Some((Unit::Minor, 3)));
        assert_eq!(price("Preis", &["price=Preis"]), Some((Unit::Major, 3)));
        assert_eq!(price("Preis", &[]), None);
    }

    #[test]
    fn a_named_column_goes_before_a_known_one() {
        let header = ["isbn", "title", "author", "Name", "Titel", "isbn13"];
        assert_eq!(find(&header, &["title=Titel"]).unwrap().title, 4);
        assert_eq!(find(&header, &["title=name"]).unwrap().title, 3);
        let isbns = find(&header, &["isbn=Titel"]).unwrap().isbns;
        assert_eq!(isbns, [(Kind::Any, 4), (Kind::Thirteen, 5)]);
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_there_and_what_helps() {
        let says = |header: &[&str], named: &[&str], words: &[&str]| {
            let text = find(header, named).unwrap_err().to_string();
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        };
        says(&["Artikel", "title"], &[], &["ISBN", "\"Artikel\"", "--column isbn=HEADER"]);
        says(&["isbn", "Titel"], &[], &["title", "\"Titel\"", "--column title=HEADER"]);
        says(&["isbn", "title"], &[], &["--column author=HEADER"]);
        says(&["isbn", "title"], &["title=Nowhere"], &["Nowhere", "\"title\""]);
        says(&["", "isbn", "title", "author"], &["price=€"], &["no column \"€\""]);
    }

    #[test]
    fn a_named_column_is_a_known_name_and_a_header() {
        for text in ["", "=", "title", "title=", "titel=Titel"] {
            assert!(text.parse::<NamedColumn>().is_err(), "{text}");
        }
        let column: NamedColumn = "title=a=b".parse().unwrap();
        assert_eq!(column.header, "a=b");
    }

    /// A header with what people vary: in a case of each letter's own, with a mark before each.
    fn varied(header: &str, how: &[(bool, String)]) -> String {
        let one = |(letter, (is_upper, mark)): (char, &(bool, String))| {
            let letter = if *is_upper { letter.to_ascii_uppercase() } else { letter };
            format!("{mark}{letter}")
        };
        header.chars().zip(how.iter().cycle()).map(one).collect()
    }

    fn any_variation() -> impl Strategy<Value = Vec<(bool, String)>> {
        prop::collection::vec((any::<bool>(), "[ _.#-]?"), 1..20)
    }

    /// A known header or any, however it is spelled.
    fn any_header() -> impl Strategy<Value = String> {
        let known: Vec<&str> = Field::ALL.into_iter().flat_map(Field::headers).copied().collect();
        let known = (prop::sample::select(known), any_variation());
        prop_oneof![known.prop_map(|(header, how)| varied(header, &how)), ".{0,8}", "[ _.#€-]{0,2}"]
    }

    /// Whether these are one name but for case and punctuation; of punctuation alone none is.
    fn is_same(one: &str, other: &str) -> bool {
        let plain = |text: &str| text.replace(|c: char| !c.is_alphanumeric(), "").to_lowercase();
        one == other || plain(one) == plain(other) && !plain(one).is_empty()
    }

    proptest! {
        #[test]
        fn any_header_has_its_columns_or_says_which_one_is_missing(
            header in prop::collection::vec(any_header(), 0..12),
            field in prop::sample::select(&Field::ALL[..]),
            named in prop::option::of(any_header()),
        ) {
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            let named = named.filter(|name| !name.trim().is_empty());
            let said = named.as_ref().map(|name| format!("{}={name}", field.word()).parse().unwrap());
            let said: Vec<NamedColumn> = said.into_iter().collect();
            let is_named = |name: &str| header.iter().any(|column| is_same(column, name));
            let is_there = |wanted: Field| match &named {
                Some(name) if wanted == field => is_named(name),
                _ => wanted.headers().iter().any(|name| is_named(name)),
            };
            match Columns::find(&header, &said) {
                Ok(columns) => {
                    let holds = |at: usize, wanted: Field| match &named {
                        Some(name) if wanted == field => is_same(header[at], name),
                        _ => wanted.headers().iter().any(|name| is_same(header[at], name)),
                    };
                    prop_assert!(holds(columns.title, Field::Title));
                    prop_assert!(holds(columns.author, Field::Author));
                    prop_assert_eq!(columns.price.is_some(), is_there(Field::Price));
                    prop_assert!(columns.price.is_none_or(|(_, at)| holds(at, Field::Price)));
                    prop_assert_eq!(columns.quantity.is_some(), is_there(Field::Quantity));
                    prop_assert!(columns.quantity.is_none_or(|at| holds(at, Field::Quantity)));
                    prop_assert!(!columns.isbns.is_empty());
                    for (kind, at) in columns.isbns {
                        let wanted = if kind == Kind::Any { Field::Isbn } else { Field::Isbn13 };
                        prop_assert!(holds(at, wanted));
                    }
                }
                Err(BadColumns::Missing(Field::Isbn, _)) => {
                    prop_assert!(!is_there(Field::Isbn) && !is_there(Field::Isbn13));
                }
                Err(BadColumns::Missing(wanted, _)) => prop_assert!(!is_there(wanted)),
                Err(BadColumns::NotThere(_, name, _)) => prop_assert!(!is_named(&name)),
            }
        }

        #[test]
        fn any_column_is_found_by_its_name_and_by_its_known_one(
            others in prop::collection::vec("[xyz]{1,4}", 0..6),
            place in any::<prop::sample::Index>(),
            how in any_variation(),
            field in prop::sample::select(&Field::ALL[..]),
            known in any::<prop::sample::Index>(),
        ) {
            let needed = Field::ALL.into_iter().filter(|other| *other != field).map(Field::word);
            let needed: Vec<String> = needed.map(str::to_owned).chain(others).collect();
            let name = varied(field.headers()[known.index(field.headers().len())], &how);
            let own = varied("käse", &how);
            for (name, named) in [(name, None), (own, Some(format!("{}=käse", field.word())))] {
                let mut header: Vec<&str> = needed.iter().map(String::as_str).collect();
                let place = place.index(header.len() + 1);
                header.insert(place, &name);
                let found = find(&header, &named.as_deref().into_iter().collect::<Vec<_>>()).unwrap();
                let at = match field {
                    Field::Title => found.title,
                    Field::Author => found.author,
                    Field::Price => found.price.unwrap().1,
                    Field::Quantity => found.quantity.unwrap(),
                    Field::Isbn => found.isbns[0].1,
                    Field::Isbn13 => found.isbns[1].1,
                };
                prop_assert_eq!(at, place, "{:?}", header);
            }
        }

        #[test]
        fn any_text_names_a_column_or_is_refused(
            text in "[ ]?(isbn|isbn13|title|author|price|quantity|[a-z]{0,4})[ ]?=?.{0,8}|.{0,12}",
        ) {
            let column = text.parse::<NamedColumn>().ok();
            let said = column.map(|column| (column.field.word(), column.header));
            let expected = text.find('=').and_then(|at| {
                let (word, header) = (text[..at].trim(), &text[at + 1..]);
                let words = ["isbn", "isbn13", "title", "author", "price", "quantity"];
                let word = words.into_iter().find(|known| *known == word)?;
                header.contains(|c: char| !c.is_whitespace()).then(|| (word, header.to_owned()))
            });
            prop_assert_eq!(said, expected);
        }
    }
}

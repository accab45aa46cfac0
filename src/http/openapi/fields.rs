//! Schemas of single values, with the limits of `domain::limits`: the document's numbers are the
//! service's.

use serde_json::{Value, json};
use utoipa::openapi::schema::{
    ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Object, RefOr};

use crate::domain::limits::{
    DEFAULT_PAGE, MAX_AUTHOR, MAX_COPIES, MAX_DELIVERED, MAX_HOLD_SECONDS, MAX_LINES, MAX_PAGE,
    MAX_PRICE_MINOR, MAX_QUANTITY, MAX_REFERENCE, MAX_SEARCH, MAX_TITLE,
};
use crate::domain::{OrderStatus, Reason};

fn whole(description: &str, minimum: i64, maximum: i64, example: i64) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::Custom("int64".to_owned())))
        .description(Some(description))
        .minimum(Some(minimum as isize))
        .maximum(Some(maximum as isize))
        .examples([json!(example)])
        .build()
}

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .examples([json!(example)])
}

fn words<'a>(description: &str, words: impl Iterator<Item = &'a str>, example: &str) -> Object {
    text(description, example).enum_values(Some(words)).build()
}

/// The same, or null, which is the same as leaving it out.
fn or_null(mut schema: Object) -> Object {
    if let SchemaType::Type(only) = schema.schema_type {
        schema.schema_type = SchemaType::from_iter([only, Type::Null]);
    }
    if let Some(values) = &mut schema.enum_values {
        values.push(Value::Null);
    }
    schema
}

/// Text that is trimmed of white space at both ends, then neither empty nor with a control
/// character in it. Spelled out: `\s` means something else in each language.
const TRIMMED: &str = concat!(
    r"^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"([^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])?",
    r"[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$"
);

fn trimmed(description: &str, max: usize, example: &str) -> Object {
    text(description, example)
        .min_length(Some(1))
        .max_length(Some(max))
        .pattern(Some(TRIMMED))
        .build()
}

pub(in crate::http) fn book_id() -> Object {
    let mut schema = whole("The book.", 1, i64::MAX, 2);
    // More than any client should have to know.
    schema.maximum = None;
    schema
}

/// Ids of books with commas between them.
pub(in crate::http) fn ids() -> Object {
    // Of 18 digits every number is an id, of 19 not every one.
    let id = "[1-9][0-9]{0,17}";
    let pattern = format!("^{id}(,{id}){{0,{}}}$", MAX_PAGE - 1);
    text("Ids with commas between them.", "1,2,3").pattern(Some(pattern)).build()
}

/// A book as a body names it. One that is not there is refused as unknown, whatever its number.
pub(in crate::http) fn named_book() -> Object {
    book_id()
}

pub(in crate::http) fn copies() -> Object {
    whole("Copies of one book in one line of an order.", 1, MAX_COPIES, 2)
}

pub(in crate::http) fn delivered() -> Object {
    whole("Copies of one book that arrive in one line.", 1, MAX_DELIVERED, 30)
}

pub(in crate::http) fn counted() -> Object {
    whole("Copies that somebody counted.", 0, MAX_QUANTITY, 39)
}

pub(in crate::http) fn expected() -> Object {
    let description = "The quantity that you believe is there. If another one is, the answer is \
                       409 `stale_quantity` and nothing is changed.";
    or_null(whole(description, 0, MAX_QUANTITY, 40))
}

pub(in crate::http) fn first_quantity() -> Object {
    or_null(whole("Copies that the book starts with; 0 if not given.", 0, MAX_QUANTITY, 12))
}

pub(in crate::http) fn quantity() -> Object {
    whole("Copies that can be sold now.", 0, MAX_QUANTITY, 12)
}

pub(in crate::http) fn amount() -> Object {
    let description = "Price of one copy in the currency's minor unit (cents).";
    whole(description, 0, MAX_PRICE_MINOR, 1499)
}

/// The currency that the document is written in. A store with another one serves it in that.
pub(super) const CURRENCY: &str = "EUR";

pub(in crate::http) fn currency() -> Object {
    let description = "The store's one currency (ISO 4217). Another one is refused.";
    or_null(words_of(description, &[CURRENCY], CURRENCY))
}

pub(in crate::http) fn hold_seconds() -> Object {
    let description = "For how long the copies are held until the order is confirmed. Without it \
                       they are sold at once.";
    or_null(whole(description, 1, MAX_HOLD_SECONDS, 900))
}

pub(in crate::http) fn isbn() -> Object {
    let description = "An ISBN-13 or ISBN-10 whose check digit holds, with or without hyphens and \
                       spaces. It is kept as an ISBN-13.";
    text(description, "978-0-7432-7356-5")
        .format(Some(SchemaFormat::Custom("isbn".to_owned())))
        .pattern(Some(r"^[ -]*([0-9][ -]*){9}([0-9Xx]|([0-9][ -]*){3}[0-9])[ -]*$"))
        .build()
}

pub(in crate::http) fn isbn_13() -> Object {
    text("The ISBN-13, digits only.", "9780743273565").pattern(Some("^97[89][0-9]{10}$")).build()
}

pub(in crate::http) fn title() -> Object {
    let description = "Title, at most 500 characters after white space at both ends is cut off.";
    trimmed(description, MAX_TITLE, "The Great Gatsby")
}

pub(in crate::http) fn author() -> Object {
    let description = "Author or authors, at most 1,000 characters after white space at both ends \
                       is cut off.";
    trimmed(description, MAX_AUTHOR, "F. Scott Fitzgerald")
}

pub(in crate::http) fn isbn_or_null() -> Object {
    or_null(isbn())
}

pub(in crate::http) fn title_or_null() -> Object {
    or_null(title())
}

pub(in crate::http) fn author_or_null() -> Object {
    or_null(author())
}

pub(in crate::http) fn reference() -> Object {
    let description = "What to write beside it, such as the number of a delivery note. White space \
                       alone is no reference.";
    let pattern = TRIMMED.replacen('^', "^(", 1);
    let pattern = pattern.strip_suffix('$').unwrap_or(&pattern);
    let blank = r"|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*)$";
    let schema = text(description, "delivery 4711").max_length(Some(MAX_REFERENCE));
    or_null(schema.pattern(Some(format!("{pattern}{blank}"))).build())
}

pub(in crate::http) fn status() -> Object {
    let words = OrderStatus::ALL.map(OrderStatus::as_str);
    let description = "`held`: off the shelf until it is confirmed, cancelled or expires; `placed`: \
                       sold; `cancelled`, `expired`: the copies are back.";
    words_of(description, &words, "placed")
}

pub(in crate::http) fn reason() -> Object {
    words_of("Why the quantity changed.", &Reason::ALL.map(Reason::as_str), "sale")
}

fn words_of(description: &str, known: &[&str], example: &str) -> Object {
    words(description, known.iter().copied(), example)
}

pub(in crate::http) fn sort() -> Object {
    let description = "Order of the list; `-` for descending.";
    let mut schema =
        words_of(description, &["id", "-id", "title", "-title", "price", "-price"], "-price");
    schema.default = Some(json!("id"));
    schema
}

pub(in crate::http) fn in_stock() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some(
            "`true`: only books that can be bought now. `false`: only those that are sold out.",
        ))
        .examples([json!(true)])
        .build()
}

pub(in crate::http) fn search() -> Object {
    text(
        "Words of title and author, whole but for the last one, which may be the beginning of one: \
         `fitzgerald gats` finds The Great Gatsby, `gats fitzgerald` does not. Accents and case do not \
         count; anything that is neither letter nor digit parts words. Without any word it asks for \
         nothing, and the whole list comes. An ISBN, with or without hyphens, finds that book.",
        "fitzgerald gats",
    )
    .max_length(Some(MAX_SEARCH))
    .build()
}

pub(in crate::http) fn limit() -> Object {
    let mut schema = whole("Items on the page.", 1, MAX_PAGE as i64, DEFAULT_PAGE as i64);
    schema.default = Some(json!(DEFAULT_PAGE));
    schema
}

/// A place in a list, as `next` of a page told it.
pub(in crate::http) fn cursor() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("cursor".to_owned())))
        .build()
}

pub(in crate::http) fn moment() -> Object {
    text("A moment.", "2026-11-24T18:30:00Z")
        .format(Some(SchemaFormat::Custom("date-time".to_owned())))
        .build()
}

/// Lines of an order, a restock or a return: `line` is one of them.
fn lines(description: &str, line: RefOr<Schema>) -> RefOr<Schema> {
    ArrayBuilder::new()
        .items(line)
        .description(Some(description))
        .min_items(Some(1))
        .max_items(Some(MAX_LINES))
        .into()
}

fn line(copies: Object) -> RefOr<Schema> {
    ObjectBuilder::new()
        .property("book_id", named_book())
        .property("quantity", copies)
        .required("book_id")
        .required("quantity")
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
        .into()
}

pub(in crate::http) fn order_lines() -> RefOr<Schema> {
    lines("What to buy: all lines or none. Two lines of one book are summed.", line(copies()))
}

pub(in crate::http) fn return_lines() -> RefOr<Schema> {
    lines("What came back: all lines or none. Two lines of one book are summed.", line(copies()))
}

pub(in crate::http) fn restock_lines() -> RefOr<Schema> {
    lines("What arrived: all lines or none. Two lines of one book are summed.", line(delivered()))
}

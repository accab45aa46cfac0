//! The catalogue: list, read, create, edit, archive.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shop;
use super::auth::Caller;
use super::etag::{self, Precondition};
use super::extract::{BookPath, Faults, Json, Key, Query};
use super::input::{PriceBody, entry, page_limit, request};
use super::openapi::{fields, params};
use super::problem::Problem;
use super::view::{BookView, PageView};
use super::{basket, caching, cursor, replayable, whole};
use crate::domain::{Author, BookEdit, Counted, Isbn, NewBook, Search, Title};
use crate::store::books::{self, Listing, Mark, SortBy};
use crate::store::kept::Row;
use crate::store::stock;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Words of title and author, all of them, in any order and case; the last one as a prefix.
    #[param(schema_with = fields::search)]
    q: Option<String>,
    /// Only the book with this ISBN, with or without hyphens.
    #[param(schema_with = fields::isbn)]
    isbn: Option<String>,
    /// Only books that can be bought now, or only those that cannot.
    #[param(schema_with = fields::in_stock)]
    in_stock: Option<String>,
    /// Order of the list; `-` for descending.
    #[param(schema_with = fields::sort)]
    sort: Option<String>,
    /// Items on the page.
    #[param(schema_with = fields::limit)]
    limit: Option<String>,
    /// Where the page starts: `next` of the page before, with the same `sort`.
    #[param(schema_with = fields::cursor)]
    after: Option<String>,
    /// Only these books, in this order: up to 100 ids with commas between them. Goes with no other
    /// parameter; those that are not for sale are left out.
    #[param(schema_with = fields::ids)]
    ids: Option<String>,
}

impl ListQuery {
    fn is_only_ids(&self) -> bool {
        let Self { q, isbn, in_stock, sort, limit, after, ids: _ } = self;
        [q, isbn, in_stock, sort, limit, after].into_iter().all(Option::is_none)
    }

    fn parse(self) -> Result<(Listing, String), Problem> {
        let malformed = |name: &str, error: &dyn std::fmt::Display| {
            Problem::malformed(format!("`{name}`: {error}"))
        };
        let sort = self.sort.unwrap_or_else(|| "id".to_owned());
        let (key, is_descending) = match sort.strip_prefix('-') {
            Some(key) => (key, true),
            None => (sort.as_str(), false),
        };
        let sort_by = match key {
            "id" => SortBy::Id,
            "title" => SortBy::Title,
            "price" => SortBy::Price,
            _ => {
                return Err(malformed(
                    "sort",
                    &"must be one of id, title, price, -id, -title, -price",
                ));
            }
        };
        let in_stock = match self.in_stock.as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(malformed("in_stock", &"must be true or false")),
        };
        let search = Search::parse(self.q.as_deref().unwrap_or_default())
            .map_err(|error| malformed("q", &error))?;
        let isbn = self.isbn.as_deref().map(Isbn::parse).transpose();
        let isbn = isbn.map_err(|error| malformed("isbn", &error))?;
        let limit = page_limit(self.limit.as_deref())?;
        let list = format!("books {sort}");
        let after =
            self.after.map(|after| cursor::decode::<BookMark>(&list, &after)).transpose()?;
        let after = after.map(Mark::from);
        Ok((Listing { search, isbn, in_stock, sort_by, is_descending, after, limit }, list))
    }
}

/// A cursor's inside: the place of the last book of a page, in every order.
#[derive(Serialize, Deserialize)]
struct BookMark(i64, String, i32);

impl From<BookMark> for Mark {
    fn from(BookMark(id, title, price_minor): BookMark) -> Self {
        Self { id, title, price_minor }
    }
}

/// List books
///
/// A page of the catalogue. Archived books are not in it.
#[utoipa::path(
    get,
    path = "/v1/books",
    operation_id = "list_books",
    tag = "Books",
    params(ListQuery),
    responses((status = 200, description = "The page.", body = PageView<BookView>)),
)]
pub(super) async fn list(
    shop: web::Data<Shop>,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    if let Some(ids) = &query.ids {
        if !query.is_only_ids() {
            return Err(Problem::malformed("`ids` goes with no other parameter"));
        }
        return basket::list(shop, ids).await;
    }
    let (listing, list) = query.parse()?;
    let (cache, deadline) = (shop.store.index_cache(), shop.deadline());
    let list_books = move |connection: &mut _| books::list(connection, &cache, &listing, deadline);
    let page = shop.read(list_books).await?;
    let next = page
        .next
        .map(|mark| cursor::encode(&list, &BookMark(mark.id, mark.title, mark.price_minor)))
        .transpose()?;
    let data = page.items.into_iter().map(|book| BookView::new(&shop, book)).collect();
    Ok(HttpResponse::Ok().insert_header(caching::LIVE).json(PageView { data, next }))
}

/// Get a book
///
/// Its quantity is how many copies can be sold now.
#[utoipa::path(
    get,
    path = "/v1/books/{id}",
    operation_id = "get_book",
    tag = "Books",
    params(
        params::BookId,
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the caller has."),
    ),
    responses(
        (status = 200, description = "The book.", body = BookView,
            headers(("ETag" = String, description = "Names this version of the book; for If-Match."))),
        (status = 304, description = "The caller has the book as it is.")
    ),
    extensions(("x-problems" = json!(["404 unknown_book"])))
)]
pub(super) async fn find(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    http: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let book = shop.looks.ask(id, shop.deadline()).await?;
    let is_known = etag::is_known(&http, &book);
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header(etag::of(&book)).insert_header(caching::LIVE);
    Ok(if is_known { answer.finish() } else { answer.json(BookView::new(&shop, book)) })
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBook, example = json!({
    "isbn": "978-0-14-143951-8", "title": "Pride and Prejudice", "author": "Jane Austen",
    "price": { "amount": 999 }, "quantity": 12
}))]
pub(super) struct CreateBody {
    #[schema(schema_with = fields::isbn)]
    isbn: String,
    #[schema(schema_with = fields::title)]
    title: String,
    #[schema(schema_with = fields::author)]
    author: String,
    price: PriceBody,
    #[serde(default, deserialize_with = "whole::number_or_null")]
    #[schema(schema_with = fields::first_quantity)]
    quantity: Option<i64>,
}

impl CreateBody {
    fn parse(&self, shop: &Shop) -> Result<NewBook, Problem> {
        let mut faults = Faults::default();
        let isbn = faults.take("/isbn", Isbn::parse(&self.isbn));
        let title = faults.take("/title", Title::parse(&self.title));
        let author = faults.take("/author", Author::parse(&self.author));
        let price = self.price.parse(shop, &mut faults);
        let quantity = faults.take("/quantity", Counted::parse(self.quantity.unwrap_or(0)));
        match (isbn, title, author, price, quantity) {
            (Some(isbn), Some(title), Some(author), Some(price), Some(quantity))
                if faults.is_empty() =>
            {
                Ok(NewBook { isbn, title, author, price, quantity })
            }
            _ => Err(faults.into()),
        }
    }
}

/// Add a book
///
/// Copies that it starts with are its first stock movement, `initial`.
#[utoipa::path(
    post,
    path = "/v1/books",
    operation_id = "create_book",
    tag = "Books",
    params(params::IdempotencyKey),
    request_body = CreateBody,
    responses(
        (status = 201, description = "The new book.", body = BookView,
            headers(
                ("Location" = String, description = "The path of what was made."),
                ("ETag" = String, description = "Names this version of the book; for If-Match."),
                ("Idempotent-Replayed" = inline(bool), description = "`true` if this is the answer to an earlier request with the same key."),
            ))
    ),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["409 duplicate_isbn", "422 idempotency_key_reused"])))
)]
pub(super) async fn create(
    shop: web::Data<Shop>,
    Caller(client): Caller,
    key: Key,
    Json(body): Json<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let book = body.parse(&shop)?;
    let entry = entry(request(client, key, "POST /v1/books", &body)?, None);
    let mut trace = books::Trace::new();
    let created = shop
        .write([], move |connection| stock::create_book(connection, &entry, &book, &mut trace))
        .await?;
    Ok(replayable(&shop, HttpResponse::Created(), created.is_replay)
        .insert_header(("Location", format!("/v1/books/{}", created.book.id)))
        .insert_header(etag::of(&created.book))
        .json(BookView::new(&shop, created.book)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BookEdit, example = json!({ "price": { "amount": 1299 } }))]
pub(super) struct EditBody {
    #[schema(schema_with = fields::isbn_or_null)]
    isbn: Option<String>,
    #[schema(schema_with = fields::title_or_null)]
    title: Option<String>,
    #[schema(schema_with = fields::author_or_null)]
    author: Option<String>,
    price: Option<PriceBody>,
}

impl EditBody {
    fn parse(&self, shop: &Shop) -> Result<BookEdit, Problem> {
        let mut faults = Faults::default();
        let edit = BookEdit {
            isbn: self.isbn.as_ref().and_then(|it| faults.take("/isbn", Isbn::parse(it))),
            title: self.title.as_ref().and_then(|it| faults.take("/title", Title::parse(it))),
            author: self.author.as_ref().and_then(|it| faults.take("/author", Author::parse(it))),
            price: self.price.as_ref().and_then(|it| it.parse(shop, &mut faults)),
        };
        if faults.is_empty() && edit == BookEdit::default() {
            faults.note("", "must have at least one of isbn, title, author, price");
        }
        if faults.is_empty() { Ok(edit) } else { Err(faults.into()) }
    }
}

/// Edit a book
///
/// Changes what is given: at least one of isbn, title, author and price. Its quantity is changed
/// by selling, restocking and counting only.
#[utoipa::path(
    patch,
    path = "/v1/books/{id}",
    operation_id = "edit_book",
    tag = "Books",
    params(params::BookId, params::IfMatch),
    request_body = EditBody,
    responses(
        (status = 200, description = "The book as it is now.", body = BookView,
            headers(("ETag" = String, description = "Names this version of the book; for If-Match.")))
    ),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book", "409 duplicate_isbn", "412 precondition_failed", "428 precondition_required"])))
)]
pub(super) async fn edit(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
    http: HttpRequest,
    Json(body): Json<EditBody>,
) -> Result<HttpResponse, Problem> {
    let precondition = etag::if_match(&http)?;
    let edit = body.parse(&shop)?;
    let mut trace = books::Trace::new();
    let edited = shop
        .write([Row::Book(id)], move |connection| {
            let versions = match &precondition {
                Precondition::Any => None,
                Precondition::Versions(versions) => Some(versions.as_slice()),
            };
            books::edit(connection, id, versions, &edit, &mut trace)
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header(etag::of(&edited)).json(BookView::new(&shop, edited)))
}

/// Archive a book
///
/// It is hidden and cannot be sold any more; its history is kept. A second time is 404
/// `unknown_book`: after a lost answer take that for done.
#[utoipa::path(
    delete,
    path = "/v1/books/{id}",
    operation_id = "archive_book",
    tag = "Books",
    params(params::BookId),
    responses((status = 204, description = "It is archived.")),
    security(("token" = ["admin"])),
    extensions(("x-problems" = json!(["404 unknown_book"])))
)]
pub(super) async fn archive(
    shop: web::Data<Shop>,
    BookPath(id): BookPath,
) -> Result<HttpResponse, Problem> {
    let mut trace = books::Trace::new();
    shop.write([Row::Book(id)], move |connection| books::archive(connection, id, &mut trace))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

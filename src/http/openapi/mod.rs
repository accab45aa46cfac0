//! The OpenAPI document: what each route takes and answers stands above its handler; here it is put
//! together, with what all routes have in common.
//!
//! `docs/openapi.json` is a copy of it. After a change, write it anew:
//!
//! ```sh
//! UPDATE_OPENAPI=1 cargo test --lib openapi
//! ```

mod answers;
mod edit;
mod examples;
pub(super) mod fields;
mod links;
pub(super) mod params;
mod problem_view;
#[cfg(test)]
mod tests;

use std::sync::{LazyLock, OnceLock};

use actix_web::{HttpResponse, web};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use self::answers::Answers;
use self::edit::SomethingToEdit;
use self::links::Links;
use self::problem_view::ProblemView;
use super::problem::Kind;
use super::{Shop, books, docs, health, orders, problem_pages, stock};
use crate::config::Currency;
use crate::domain::Role;

/// Every role that a token may have. A route for all of them needs a token and forbids none.
const ROLES: [Role; 2] = [Role::Storefront, Role::Admin];

/// The name of the one security scheme.
const TOKEN: &str = "token";

#[derive(OpenApi)]
#[openapi(
    info(title = "Bookstore", description = include_str!("description.md")),
    tags(
        (name = "Books", description = "The catalogue, and how many copies can be sold now."),
        (name = "Orders", description = "Buying: at once, or held while the buyer pays."),
        (name = "Stock", description = "What admins do to the stock, and the ledger of it all."),
        (name = "Service", description = "Is it up, what do its refusals mean, and this document.")
    ),
    paths(
        books::list,
        books::find,
        books::create,
        books::edit,
        books::archive,
        orders::purchase,
        orders::create,
        orders::list,
        orders::find,
        orders::confirm,
        orders::cancel,
        stock::take_back,
        stock::restock_one,
        stock::restock,
        stock::stocktake,
        stock::movements,
        orders::holds,
        health::alive,
        health::ready,
        problem_pages::list,
        problem_pages::find,
        document,
        docs::page,
        docs::asset,
    ),
    components(schemas(ProblemView)),
    modifiers(&Tokens, &Answers, &Links, &SomethingToEdit)
)]
struct Document;

/// How callers say who they are.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("bks_...".to_owned());
        scheme.description = Some(
            "A token that `bookstore token create --role storefront|admin` printed. The role names \
             beside an operation are those that may call it."
                .to_owned(),
        );
        if let Some(components) = &mut document.components {
            components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
        }
    }
}

/// The document of a store whose currency is the default one.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = Document::openapi().to_pretty_json();
    text.expect("strings, numbers, lists and maps with text for keys are JSON") + "\n"
});

/// This document
///
/// OpenAPI 3.1, made from the code that answers.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_openapi",
    tag = "Service",
    responses((status = 200, description = "The document.", content_type = "application/json"))
)]
pub(super) async fn document(shop: web::Data<Shop>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text_in(&shop.currency))
}

/// The document of this store: a currency that it names is one that the store takes.
fn text_in(currency: &Currency) -> &'static str {
    // A process is one store, and a store has one currency.
    static TEXT_HERE: OnceLock<String> = OnceLock::new();
    TEXT_HERE.get_or_init(|| {
        let quoted = |code: &str| format!("\"{code}\"");
        TEXT.replace(&quoted(fields::CURRENCY), &quoted(currency.as_str()))
    })
}

/// An example of this kind of problem, indented.
pub(super) fn example_of(kind: &Kind) -> Option<String> {
    let example = examples::find(kind.status, kind.slug)?;
    serde_json::to_string_pretty(&example.json(examples::INSTANCE)).ok()
}

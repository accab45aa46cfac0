//! What each kind of problem means and what to do about it: plain text for a terminal, a page for a
//! browser.

use actix_web::http::header::{self, Header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::openapi::example_of;
use super::problem::{KINDS, Kind, NOT_FOUND, Problem};
use super::{caching, docs};

/// The kinds of problem
///
/// One path a line. As a page with their titles if the caller would rather have HTML.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "list_problem_types",
    tag = "Service",
    responses((status = 200, description = "The list.",
        content((String = "text/plain"), (String = "text/html"))))
)]
pub(super) async fn list(request: HttpRequest) -> HttpResponse {
    if prefers_html(&request) {
        let item = |kind: &Kind| {
            let Kind { slug, title, .. } = kind;
            let status = kind.status.as_u16();
            format!("<li><a href=\"problems/{slug}\">{slug}</a> ({status}): {}</li>", escape(title))
        };
        let items: String = KINDS.iter().map(item).collect();
        let body = format!("<h1>What can be refused</h1>\n<ul>{items}</ul>");
        return docs::small_page("Problems", ".", &body);
    }
    let list: Vec<_> = KINDS.iter().map(|kind| format!("/problems/{}", kind.slug)).collect();
    text(format!("{}\n", list.join("\n")))
}

/// What a kind of problem means
///
/// What happened and what to do, in plain words. The `type` of a problem is the path of its page.
#[utoipa::path(
    get,
    path = "/problems/{slug}",
    operation_id = "explain_problem_type",
    tag = "Service",
    params(("slug" = String, Path, description = "The last part of a problem's `type`.",
        example = json!("out_of_stock"))),
    responses((status = 200, description = "What happened, and what to do.",
        content((String = "text/plain"), (String = "text/html")))),
    extensions(("x-problems" = json!(["404 not_found"])))
)]
pub(super) async fn find(
    request: HttpRequest,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let kind: &Kind = KINDS
        .iter()
        .find(|kind| kind.slug == slug.as_str())
        .ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such kind of problem"))?;
    Ok(if prefers_html(&request) { page(kind) } else { text(in_words(kind)) })
}

fn in_words(kind: &Kind) -> String {
    let Kind { slug, title, explanation, .. } = kind;
    format!("{slug}\n\n{title} (HTTP status {})\n\n{explanation}\n", kind.status.as_u16())
}

/// An explanation's first paragraph says what happened, the others what to do.
fn page(kind: &Kind) -> HttpResponse {
    let paragraphs = kind.explanation.split("\n\n").map(marked_up);
    let paragraphs: Vec<_> = paragraphs.map(|text| format!("<p>{text}</p>")).collect();
    let explained = paragraphs.join("\n<h2>What to do</h2>\n");
    let example = example_of(kind)
        .map(|example| format!("<h2>An example</h2>\n<pre>{}</pre>", escape(&example)));
    let body = format!(
        "<h1>{}</h1>\n<p><code>{}</code>, HTTP status {}</p>\n<h2>What happened</h2>\n\
         {explained}\n{}\n<p><a href=\"../problems\">All problems</a>, <a href=\"../docs\">the whole \
         API</a></p>",
        escape(kind.title),
        kind.slug,
        kind.status.as_u16(),
        example.unwrap_or_default(),
    );
    docs::small_page(kind.title, "..", &body)
}

/// Text with its `code` marked up.
fn marked_up(text: &str) -> String {
    let parts = escape(text);
    let parts = parts.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether the caller names HTML before plain text, as browsers do.
fn prefers_html(request: &HttpRequest) -> bool {
    let Ok(accept) = header::Accept::parse(request) else { return false };
    let ranked = accept.ranked();
    let mut named = ranked.iter().map(|range| range.essence_str());
    named.find(|range| matches!(*range, "text/html" | "text/plain")) == Some("text/html")
}

fn text(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::VARY, "Accept"))
        .insert_header(caching::STATIC)
        .body(body)
}

//! Pages for people: the API to read and to try. Everything on them comes from this program: they work
//! without internet, and their Content-Security-Policy lets nothing else in.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use utoipa_swagger_ui::Config;

use super::problem::{NOT_FOUND, Problem};
use super::security_headers::guarded;

/// Seconds for which a browser may keep a file of the page: not so long that it would mix those of
/// two releases for more than an hour.
const FILES_ARE_FRESH: &str = "max-age=3600";

fn page_of(body: impl Into<String>) -> HttpResponse {
    guarded(HttpResponse::Ok())
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(body.into())
}

/// A page of a few words; `root` is the way from it to the service's root.
pub(super) fn small_page(title: &str, root: &str, body: &str) -> HttpResponse {
    let mut response = page_of(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - Bookstore</title>\n\
         <link rel=\"icon\" href=\"{root}/docs/favicon-32x32.png\">\n\
         <link rel=\"stylesheet\" href=\"{root}/docs/page.css\">\n</head>\n\
         <body class=\"words\">\n{body}\n</body>\n</html>\n"
    ));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// The API, to read and to try
///
/// A page for a browser. It needs no internet.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "get_docs",
    tag = "Service",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(super) async fn page() -> HttpResponse {
    page_of(include_str!("docs/index.html"))
}

/// A file of the page
#[utoipa::path(
    get,
    path = "/docs/{file}",
    operation_id = "get_docs_file",
    tag = "Service",
    params(("file" = String, Path, description = "Its name.", example = json!("page.css"))),
    responses((status = 200, description = "The file.",
        content((String = "text/css"), (String = "text/javascript"), (String = "image/png")))),
    extensions(("x-problems" = json!(["404 not_found"])))
)]
pub(super) async fn asset(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let mut answer = guarded(HttpResponse::Ok());
    answer.insert_header((header::CACHE_CONTROL, FILES_ARE_FRESH));
    match name.as_str() {
        "page.js" => Ok(answer.content_type("text/javascript").body(include_str!("docs/page.js"))),
        "page.css" => Ok(answer.content_type("text/css").body(include_str!("docs/page.css"))),
        // Only what the page loads, of all that Swagger UI comes with.
        "swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png" => {
            vendored(answer, &name).ok_or_else(Problem::internal)
        }
        _ => Err(Problem::new(&NOT_FOUND, "the page has no such file")),
    }
}

/// A file of Swagger UI. It lies in the program as the browser gets it, compressed.
fn vendored(mut answer: HttpResponseBuilder, name: &str) -> Option<HttpResponse> {
    let file = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok()??;
    if file.gzpipped {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    // As it lies there: a copy for each request would be half a megabyte.
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Some(answer.content_type(file.content_type).body(bytes))
}

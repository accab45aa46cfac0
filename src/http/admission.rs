//! Who may come in: what every request has to pass before anything is done for it. Says what the caller
//! takes, who it is, and whether it asks too often.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, Header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};

use super::buckets::Standing;
use super::problem::{NOT_ACCEPTABLE, Problem};
use super::{Shop, auth, extract, limits};

/// Lets a request in, or answers it with what is wrong.
pub(super) async fn admit<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match enter(&request).await {
        Ok(standing) => {
            let mut response = next.call(request).await?.map_into_boxed_body();
            if let Some(standing) = standing {
                limits::tell(standing, response.headers_mut());
            }
            Ok(response)
        }
        Err(problem) => {
            extract::discard(&mut request).await;
            Ok(request.into_response(problem.error_response()))
        }
    }
}

/// How the caller stands with its limit, if one counts it.
async fn enter(request: &ServiceRequest) -> Result<Option<Standing>, Problem> {
    // The API speaks JSON only; pages for people are outside it.
    // The path as routes see it, decoded: another spelling of it is no way around.
    let is_api = request.match_info().as_str().starts_with("/v1/");
    if is_api && !accepts_json(request) {
        return Err(Problem::new(&NOT_ACCEPTABLE, "this service answers in application/json"));
    }
    let shop = request.app_data::<web::Data<Shop>>().ok_or_else(Problem::internal)?;
    let sender = shop.proxies.sender_of(request);
    // A token is good for the API alone: on a page it would only be a way around the address's limit.
    if is_api && let Some(client) = auth::identify(shop, request, sender).await? {
        request.extensions_mut().insert(auth::Known(client));
        tracing::Span::current().record("client_id", client.id.0);
        return shop.limits.client(client.id);
    }
    sender.map_or(Ok(None), |sender| shop.limits.address(sender))
}

/// Whether the caller takes JSON. Without the header everything is welcome.
fn accepts_json(request: &ServiceRequest) -> bool {
    if !request.headers().contains_key(header::ACCEPT) {
        return true;
    }
    // An unreadable Accept is treated as if it were not there (RFC 9110, 12.5.1, leaves it open).
    let Ok(accept) = header::Accept::parse(request) else { return true };
    accept.is_empty()
        || accept.iter().any(|range| {
            range.quality > header::Quality::ZERO
                && matches!(
                    range.item.essence_str(),
                    "*/*" | "application/*" | "application/json" | "application/problem+json"
                )
        })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_list_of_media_types_takes_json_if_one_of_them_does(
            list in prop::collection::vec(
                (
                    "\\*/\\*|application/(\\*|json|problem\\+json)|text/(\\*|json)|application/jsonp",
                    prop_oneof![Just(None), (0..3_u16).prop_map(Some), (0..=1_000_u16).prop_map(Some)],
                    "[ \t]?,[ \t]?",
                ),
                1..4,
            ),
        ) {
            let mut header = String::new();
            for (range, quality, comma) in &list {
                header += range;
                if let Some(quality) = quality {
                    header += &format!(";q={}.{:03}", quality / 1_000, quality % 1_000);
                }
                header += comma;
            }
            let request = TestRequest::default().insert_header((header::ACCEPT, header.clone()));
            let takes = list.iter().any(|(range, quality, _)| {
                let is_ours = !range.starts_with("text/") && range != "application/jsonp";
                is_ours && *quality != Some(0)
            });
            prop_assert_eq!(accepts_json(&request.to_srv_request()), takes, "{}", header);
        }
    }
}

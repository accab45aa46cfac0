//! Who calls, and whether they may: bearer tokens (RFC 6750) and roles.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError};

use moka::future::Cache;

use super::Shop;
use super::address::Sender;
use super::problem::{FORBIDDEN, Problem, UNAUTHORIZED};
use crate::domain::{Client, Role};
use crate::store::{Token, TokenHash, clients};

/// The client that a request's token is of, whatever it may do.
pub(super) struct Known(pub(super) Client);

/// The client behind a request that passed [`buyer`] or [`admin`].
pub(super) struct Caller(pub(super) Client);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A route that asks for the caller without a guard is a defect, and stays closed.
        let caller = request.extensions().get::<Client>().copied();
        ready(caller.map(Self).ok_or_else(|| unauthorized("this needs a token", None)))
    }
}

/// Lets storefronts and admins pass.
pub(super) async fn buyer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    guard(request, next, &[Role::Storefront, Role::Admin]).await
}

/// Lets admins pass.
pub(super) async fn admin<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    guard(request, next, &[Role::Admin]).await
}

async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    roles: &[Role],
) -> Result<ServiceResponse<BoxBody>, Error> {
    let known = request.extensions().get::<Known>().map(|known| known.0);
    let refusal = match known {
        Some(client) if roles.contains(&client.role) => {
            request.extensions_mut().insert(client);
            return Ok(next.call(request).await?.map_into_boxed_body());
        }
        Some(client) => {
            let detail = format!("a token with role {} may not do this", client.role);
            Problem::new(&FORBIDDEN, detail)
        }
        None => shown(&request).err().unwrap_or_else(unknown),
    };
    Ok(request.into_response(refusal.error_response()))
}

/// How long a token that was found good is taken for good: a revoked one ends on every instance
/// within this time. DESIGN allows 5 s.
const TRUST: Duration = Duration::from_secs(2);

/// How long it is remembered that a token was good. It is looked up again all the same, but not counted
/// among those that are tried: whoever sells goes on selling while somebody at the same address guesses.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens remembered at once. Only good ones are, so guesses take no room.
const MOST_TOKENS: u64 = 100_000;

/// The tokens that were found good.
pub(super) struct Tokens {
    /// A moment ago, so that a flash sale does not ask the database for the same few clients again and
    /// again.
    good: Cache<TokenHash, Client>,
    /// Lately.
    once_good: Cache<TokenHash, ()>,
}

impl Default for Tokens {
    fn default() -> Self {
        let cache = Cache::builder().time_to_live(TRUST).max_capacity(MOST_TOKENS);
        let memory = Cache::builder().time_to_idle(MEMORY).max_capacity(MOST_TOKENS);
        Self { good: cache.build(), once_good: memory.build() }
    }
}

/// Why there is no client.
enum Miss {
    /// There is no such token.
    Unknown,
    /// Nobody looked, or nobody could.
    NotFoundOut(Problem),
}

impl Tokens {
    /// Whose token this is. Many who ask for one at once share one look into the database.
    async fn find(
        &self,
        shop: &Shop,
        hash: TokenHash,
        sender: Option<Sender>,
    ) -> Result<Option<Client>, Problem> {
        if let Some(client) = self.good.get(&hash).await {
            return Ok(Some(client));
        }
        match self.good.try_get_with(hash, self.look_up(shop, hash, sender)).await {
            Ok(client) => Ok(Some(client)),
            Err(miss) => match &*miss {
                Miss::Unknown => Ok(None),
                Miss::NotFoundOut(problem) => Err(problem.clone()),
            },
        }
    }

    /// A token that was not good lately counts as tried before anybody looks: of many that are tried at
    /// once no more are looked up than may be.
    async fn look_up(
        &self,
        shop: &Shop,
        hash: TokenHash,
        sender: Option<Sender>,
    ) -> Result<Client, Miss> {
        let suspect = match self.once_good.get(&hash).await {
            Some(()) => None,
            None => sender,
        };
        if let Some(sender) = suspect {
            shop.limits.unknown_token(sender).map_err(Miss::NotFoundOut)?;
        }
        let found = shop.read(move |connection| clients::find(connection, &hash)).await;
        if let (Some(sender), Ok(Some(_)) | Err(_)) = (suspect, &found) {
            shop.limits.was_good(sender);
        }
        match found {
            Ok(Some(client)) => {
                self.once_good.insert(hash, ()).await;
                Ok(client)
            }
            Ok(None) => {
                self.once_good.invalidate(&hash).await;
                Err(Miss::Unknown)
            }
            Err(error) => Err(Miss::NotFoundOut(error.into())),
        }
    }
}

/// The client behind a request; `None` if it has no token, or one that is not good.
///
/// Errors: too many tokens were tried, or nobody can tell whether this one is good.
pub(super) async fn identify(
    shop: &Shop,
    request: &ServiceRequest,
    sender: Option<Sender>,
) -> Result<Option<Client>, Problem> {
    let Ok(text) = shown(request) else { return Ok(None) };
    if let Some(token) = Token::parse(text) {
        return shop.tokens.find(shop, token.hash(), sender).await;
    }
    // A token of another shape is one we never gave out: no need to ask the database.
    sender.map_or(Ok(()), |sender| shop.limits.unknown_token(sender)).map(|()| None)
}

/// The text that a request shows as its token, whatever it is.
fn shown(request: &ServiceRequest) -> Result<&str, Problem> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else {
        return Err(unauthorized("this needs a token", None));
    };
    let malformed =
        || unauthorized("Authorization must be `Bearer TOKEN`", Some("invalid_request"));
    if values.next().is_some() {
        return Err(malformed());
    }
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token.trim()),
        false => Err(malformed()),
    }
}

fn unknown() -> Problem {
    unauthorized("the token is not known or was revoked", Some("invalid_token"))
}

fn unauthorized(detail: &str, error: Option<&'static str>) -> Problem {
    let challenge = match error {
        None => "Bearer realm=\"bookstore\"",
        Some("invalid_request") => "Bearer realm=\"bookstore\", error=\"invalid_request\"",
        Some(_) => "Bearer realm=\"bookstore\", error=\"invalid_token\"",
    };
    Problem::new(&UNAUTHORIZED, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_after_the_scheme_are_shown_as_they_are_and_all_else_is_refused(
            scheme in "[Bb][Ee][Aa][Rr][Ee][Rr]|Bearer|[!-~]{0,8}",
            space in "[ \t]{0,2}",
            token in prop_oneof![
                "[!-~]{0,50}".prop_map(String::into_bytes),
                prop::collection::vec(prop_oneof![b' '..=b'~', b'\x80'..=b'\xff'], 0..20),
            ],
            is_twice in any::<bool>(),
        ) {
            let value = [scheme.as_bytes(), space.as_bytes(), &token].concat();
            let mut request = TestRequest::default();
            for _ in 0..=usize::from(is_twice) {
                request = request.append_header((header::AUTHORIZATION, &value[..]));
            }
            let request = request.to_srv_request();
            let text = std::str::from_utf8(&value).ok().filter(|text| text.is_ascii() && !is_twice);
            // The scheme has six letters, and a space comes after it.
            let expected = text.and_then(|text| {
                let (scheme, token) = text.split_at_checked(7)?;
                (scheme.to_lowercase() == "bearer ").then(|| token.trim())
            });
            prop_assert_eq!(shown(&request).ok(), expected);
        }
    }
}

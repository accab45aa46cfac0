//! Who calls, and whether they may: bearer tokens (RFC 6750) and roles.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError, web};

use moka::future::Cache;

use super::Shop;
use super::problem::{FORBIDDEN, Problem, UNAUTHORIZED};
use crate::domain::{Client, Role};
use crate::store::{Token, TokenHash, clients};

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
    match authenticate(&request).await {
        Ok(client) if roles.contains(&client.role) => {
            request.extensions_mut().insert(client);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Ok(client) => {
            let detail = format!("a token with role {} may not do this", client.role);
            Ok(request.into_response(Problem::new(&FORBIDDEN, detail).error_response()))
        }
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

/// How long a token that was found good is taken for good: a revoked one ends on every instance
/// within this time. DESIGN allows 5 s.
const TRUST: Duration = Duration::from_secs(2);

/// Tokens remembered at once. Only good ones are, so guesses take no room.
const MOST_TOKENS: u64 = 100_000;

/// The tokens that were found good a moment ago, so that a flash sale does not ask the database for
/// the same few clients again and again.
pub(super) struct Tokens(Cache<TokenHash, Client>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::builder().time_to_live(TRUST).max_capacity(MOST_TOKENS).build())
    }
}

impl Tokens {
    /// Whose token this is. Many who ask for one at once share one look into the database.
    async fn find(&self, shop: &Shop, hash: TokenHash) -> Result<Client, Problem> {
        if let Some(client) = self.0.get(&hash).await {
            return Ok(client);
        }
        let look = async move {
            let client = shop.read(move |connection| clients::find(connection, &hash)).await?;
            client.ok_or_else(|| {
                unauthorized("the token is not known or was revoked", Some("invalid_token"))
            })
        };
        self.0.try_get_with(hash, look).await.map_err(|problem: Arc<Problem>| (*problem).clone())
    }
}

async fn authenticate(request: &ServiceRequest) -> Result<Client, Problem> {
    let token = bearer(request)?;
    let shop = request.app_data::<web::Data<Shop>>().ok_or_else(Problem::internal)?;
    let client = shop.tokens.find(shop, token.hash()).await?;
    tracing::Span::current().record("client_id", client.id.0);
    Ok(client)
}

fn bearer(request: &ServiceRequest) -> Result<Token, Problem> {
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
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed());
    }
    // A token of another shape is one we never gave out: no need to ask the database.
    Token::parse(token.trim())
        .ok_or_else(|| unauthorized("the token is not known or was revoked", Some("invalid_token")))
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

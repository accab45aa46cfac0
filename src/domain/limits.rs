//! Every limit of the service, by name. Past one the answer is a clear refusal, never a guess.

/// Lines of an order or of a restock.
pub const MAX_LINES: usize = 100;
/// Copies in one line of an order.
pub const MAX_COPIES: i64 = 10_000;
/// Copies in one line of a restock.
pub const MAX_DELIVERED: i64 = 1_000_000;
/// Seconds for which an order may hold its copies.
pub const MAX_HOLD_SECONDS: i64 = 86_400;
/// Copies of one book on the shelf. Below `i32::MAX`, so that a database integer holds it.
pub const MAX_QUANTITY: i64 = 2_000_000_000;
/// Price of one copy, in the currency's minor unit.
pub const MAX_PRICE_MINOR: i64 = 100_000_000;
/// Characters (Unicode scalar values) of a title.
pub const MAX_TITLE: usize = 500;
/// Characters of an author field, which may name several people.
pub const MAX_AUTHOR: usize = 1_000;
/// Characters of a reference on a restock, such as the number of a delivery note.
pub const MAX_REFERENCE: usize = 200;
/// Characters of a client's name.
pub const MAX_CLIENT_NAME: usize = 200;
/// Printable ASCII characters of an idempotency key.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;
/// Items on one page.
pub const MAX_PAGE: usize = 100;
/// Items on one page when the caller does not say.
pub const DEFAULT_PAGE: usize = 20;
/// Characters of a search query.
pub const MAX_SEARCH: usize = 200;
/// Bytes of a request body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

//! Pieces that several request bodies share.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Shop;
use super::extract::{Faults, Key};
use super::openapi::fields;
use super::problem::Problem;
use super::whole;
use crate::domain::limits::{DEFAULT_PAGE, MAX_LINES, MAX_PAGE};
use crate::domain::{
    BookId, Client, EntryId, NewEntry, OutOfRange, Price, Reference, Request, RequestHash,
};

/// A price as it comes in.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Price, example = json!({ "amount": 1499 }))]
pub(super) struct PriceBody {
    #[serde(deserialize_with = "whole::number")]
    #[schema(schema_with = fields::amount)]
    pub(super) amount: i64,
    #[schema(schema_with = fields::currency)]
    pub(super) currency: Option<String>,
}

impl PriceBody {
    pub(super) fn parse(&self, shop: &Shop, faults: &mut Faults) -> Option<Price> {
        let ours = shop.currency.as_str();
        if self.currency.as_deref().is_some_and(|theirs| theirs != ours) {
            faults.note("/price/currency", format!("must be {ours}, the store's one currency"));
        }
        faults.take("/price/amount", Price::parse(self.amount))
    }
}

/// One line of an order or a restock as it comes in.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineBody {
    #[serde(deserialize_with = "whole::number")]
    pub(super) book_id: i64,
    #[serde(deserialize_with = "whole::number")]
    pub(super) quantity: i64,
}

/// Parses each line's quantity and checks their number.
pub(super) fn parse_lines<T>(
    lines: &[LineBody],
    parse: impl Fn(i64) -> Result<T, OutOfRange>,
    faults: &mut Faults,
) -> Option<Vec<(BookId, T)>> {
    if !(1..=MAX_LINES).contains(&lines.len()) {
        faults.note("/lines", format!("must have 1 to {MAX_LINES} lines, not {}", lines.len()));
        return None;
    }
    let parsed: Vec<_> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| {
            let copies = faults.take(format!("/lines/{index}/quantity"), parse(line.quantity))?;
            Some((BookId(line.book_id), copies))
        })
        .collect();
    (parsed.len() == lines.len()).then_some(parsed)
}

/// Parses a reference; none and an empty one are the same.
pub(super) fn parse_reference(
    reference: Option<&str>,
    faults: &mut Faults,
) -> Option<Option<Reference>> {
    match reference.map(str::trim) {
        None | Some("") => Some(None),
        Some(text) => faults.take("/reference", Reference::parse(text)).map(Some),
    }
}

/// The request as the store remembers it: `route` names what is asked, `body` is hashed in the form
/// it was understood in, so that white space and the order of members do not matter.
pub(super) fn request(
    client: Client,
    key: Key,
    route: &str,
    body: &impl Serialize,
) -> Result<Request, Problem> {
    let body = serde_json::to_vec(body).map_err(|_| Problem::internal())?;
    Ok(Request { client, key: key.0, hash: RequestHash::of(&[route.as_bytes(), &body]) })
}

/// A stock entry that `request` asks for.
pub(super) fn entry(request: Request, reference: Option<Reference>) -> NewEntry {
    NewEntry { id: EntryId(Uuid::now_v7()), request, reference }
}

/// The moment that the query's parameter `name` gives, if it is there.
pub(super) fn moment(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let parse = |text| {
        DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc()).map_err(|_| {
            Problem::malformed(format!(
                "`{name}` must be a moment as in RFC 3339: 2026-11-24T18:30:00Z (in a URL the + of \
                 +01:00 is written %2B)"
            ))
        })
    };
    text.map(parse).transpose()
}

/// The page size that a query asks for.
pub(super) fn page_limit(asked: Option<&str>) -> Result<usize, Problem> {
    let Some(asked) = asked else { return Ok(DEFAULT_PAGE) };
    match asked.parse() {
        Ok(limit @ 1..=MAX_PAGE) => Ok(limit),
        _ => Err(Problem::malformed(format!("`limit` must be a number from 1 to {MAX_PAGE}"))),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, FixedOffset};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_moment_is_read_back_from_every_time_zone(
            // From the year 1 to the year 9999, in nanoseconds of a second and minutes of an offset.
            seconds in -62_135_500_000..253_402_200_000_i64,
            nanoseconds in 0..1_000_000_000_u32,
            minutes in -1_439..1_440,
        ) {
            let written = DateTime::from_timestamp(seconds, nanoseconds).unwrap();
            let zone = FixedOffset::east_opt(60 * minutes).unwrap();
            let text = written.with_timezone(&zone).to_rfc3339();
            prop_assert_eq!(moment("from", Some(&text)).ok().flatten(), Some(written), "{}", text);
        }

        #[test]
        fn any_text_is_a_moment_or_a_page_size_or_refused(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:?[0-9]{2})|[0-9]{0,4}|.{0,20}",
        ) {
            if let Ok(Some(moment)) = moment("from", Some(&text)) {
                // No zone is off by more than a day.
                let year = text.get(..4).and_then(|year| year.parse().ok());
                prop_assert!(year.is_some_and(|year: i32| (year - moment.year()).abs() <= 1), "{}", text);
            }
            let size = text.parse::<u64>().ok().filter(|size| (1..=100).contains(size));
            prop_assert_eq!(page_limit(Some(&text)).ok(), size.map(|size| size as usize));
        }
    }
}

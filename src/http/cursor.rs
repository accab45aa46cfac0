//! Cursors: opaque text that says where the next page of a list starts.
//!
//! A cursor holds the sort key of the last item shown, so that items which come and go between two
//! pages move nothing. Its checksum is there to refuse one that was cut, mixed up or edited; it is no
//! secret and need not be one, since a cursor gives no access to anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::problem::Problem;

const CHECKSUM: usize = 8;

/// `list` names the list and its order; a cursor of one is refused by another.
pub(super) fn encode(list: &str, mark: &impl Serialize) -> Result<String, Problem> {
    let payload = serde_json::to_vec(mark).map_err(|_| Problem::internal())?;
    let mut bytes = checksum(list, &payload).to_vec();
    bytes.extend(payload);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn decode<T: DeserializeOwned>(list: &str, cursor: &str) -> Result<T, Problem> {
    read(list, cursor).ok_or_else(|| {
        Problem::malformed("`after` must be the `next` of a page of this list in this order")
    })
}

fn read<T: DeserializeOwned>(list: &str, cursor: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (sum, payload) = bytes.split_at_checked(CHECKSUM)?;
    (sum == checksum(list, payload)).then(|| serde_json::from_slice(payload).ok())?
}

fn checksum(list: &str, payload: &[u8]) -> [u8; CHECKSUM] {
    let digest =
        Sha256::new().chain_update(list).chain_update([0]).chain_update(payload).finalize();
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&digest[..CHECKSUM]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back_and_every_edit_is_refused(
            title in ".{0,40}", id in any::<i64>(), at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]",
        ) {
            let cursor = encode("books", &(&title, id)).unwrap();
            prop_assert_eq!(read::<(String, i64)>("books", &cursor), Some((title, id)));
            prop_assert!(read::<(String, i64)>("orders", &cursor).is_none());
            let mut edited = cursor.clone();
            let at = at.index(cursor.len());
            edited.replace_range(at..=at, &to);
            if edited != cursor {
                prop_assert!(read::<(String, i64)>("books", &edited).is_none());
            }
            prop_assert!(read::<(String, i64)>("books", &cursor[..at]).is_none());
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            prop_assert!(read::<i64>("books", &text).is_none());
        }
    }
}

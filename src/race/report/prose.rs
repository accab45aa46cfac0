//! Sentences of the race, in which names stand in backquotes.

use maud::{Markup, html};

/// `text` with what stands in backquotes set as code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

//! Text as a search sees it: words without accents, in lower case. One folding for all databases, so
//! that none of them finds what another one does not.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// Bytes of a word, at most: what comes after them tells no two words apart. So no title has a word that
/// an index would not take.
const LONGEST_WORD: usize = 80;

/// The words of `text`, folded, in their order. Anything that is neither letter, digit nor part of
/// one separates them.
pub(super) fn words(text: &str) -> Vec<String> {
    let folded: String = text
        .nfkd()
        .filter(|character| !is_dropped(*character))
        .flat_map(char::to_lowercase)
        .flat_map(plain)
        // Puts together what is one letter and no accent: Korean syllables, voiced kana.
        .nfc()
        .collect();
    folded
        .split(|character: char| !character.is_alphanumeric() && !is_combining_mark(character))
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(|word| cut(word).to_owned())
        .collect()
}

/// Accents, and characters that only say how to draw others: direction marks, soft hyphens,
/// variation selectors, apostrophes that count as letters.
fn is_dropped(character: char) -> bool {
    match canonical_combining_class(character) {
        // Nukta, voiced kana and virama make another letter of the one before; vowel signs have no
        // class at all.
        0 | 7..=9 => matches!(character,
            '\u{ad}' | '\u{2b9}'..='\u{2bf}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'
            | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}'),
        _ => true,
    }
}

/// Lower-case letters that people write otherwise on another keyboard, and that Unicode does not take
/// apart.
fn plain(character: char) -> impl Iterator<Item = char> {
    let (first, second) = match character {
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'ø' => ('o', None),
        'ł' => ('l', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ŧ' => ('t', None),
        'ı' => ('i', None),
        'ς' => ('σ', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

/// The longest beginning of `word` that is no longer than a word may be.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(LONGEST_WORD)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_case_and_width_do_not_count() {
        for (text, folded) in [
            ("Émile ZOLA", vec!["emile", "zola"]),
            ("e\u{301}mile", vec!["emile"]),
            ("Straße", vec!["strasse"]),
            ("Łódź, Ærø", vec!["lodz", "aero"]),
            ("ΟΔΥΣΣΕΥΣ Οδυσσεύς", vec!["οδυσσευσ", "οδυσσευσ"]),
            ("İstanbul ısı", vec!["istanbul", "isi"]),
            ("ﬁne Ｗｉｄｅ １２", vec!["fine", "wide", "12"]),
            ("Ёлка йод", vec!["елка", "иод"]),
        ] {
            assert_eq!(words(text), folded, "{text}");
        }
    }

    #[test]
    fn what_is_not_an_accent_stays() {
        assert_ne!(words("が"), words("か"), "a voiced kana is another letter");
        assert_eq!(words("한국어"), ["한국어"]);
        assert_eq!(words("हिन्दी में"), ["हिन्दी", "में"]);
        assert_eq!(words("雪国"), ["雪国"]);
    }

    #[test]
    fn marks_of_direction_mean_nothing_and_all_else_separates() {
        assert_eq!(words("\u{202e}ab\u{200f}c\u{ad}d"), ["abcd"]);
        assert_eq!(words("a\0b %_ c'd \u{1f986} \u{301}"), ["a", "b", "c", "d"]);
        assert_eq!(words("--- *** \u{94d}"), Vec::<String>::new());
    }

    #[test]
    fn a_word_is_cut_where_it_would_be_too_long() {
        assert_eq!(words(&"a".repeat(500)), ["a".repeat(80)]);
        assert_eq!(words(&"я".repeat(500)), ["я".repeat(40)]);
        assert_eq!(words(&"雪".repeat(500)), ["雪".repeat(26)]);
    }

    proptest! {
        #[test]
        fn words_are_only_letters_and_fold_to_themselves(text in ".{0,40}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty());
                prop_assert!(!word.contains(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()));
                prop_assert!(!word.contains(|c: char| c.is_whitespace() || c.is_control()));
                prop_assert_eq!(words(&word), [word]);
            }
        }
    }
}

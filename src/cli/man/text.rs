//! The texts of the help, taken apart for the manual.

/// A heading, and lines of what and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) heading: String,
    pub(super) lines: Vec<(String, String)>,
}

const EXAMPLES: &str = "EXAMPLES";

impl Block {
    pub(super) fn is_examples(&self) -> bool {
        self.heading == EXAMPLES
    }
}

/// The blocks of a text such as
///
/// ```text
/// Try it:
///   bookstore audit
///   bookstore race replay      the bug that all this is about
/// ```
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match (line.strip_prefix("  "), blocks.last_mut()) {
            (Some(line), Some(block)) => {
                let (what, why) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
                block.lines.push((what.to_owned(), why.trim().to_owned()));
            }
            _ => blocks.push(Block { heading: heading(line), lines: Vec::new() }),
        }
    }
    blocks
}

/// What a manual calls it.
fn heading(line: &str) -> String {
    let line = line.trim().trim_end_matches(':');
    match line {
        "Try it" => EXAMPLES.to_owned(),
        other => other.trim_start_matches("The ").to_uppercase(),
    }
}

const EXIT_CODES: &str = "Exit code: ";

pub(super) fn is_about_exit_codes(paragraph: &str) -> bool {
    paragraph.starts_with(EXIT_CODES)
}

/// The codes and their meanings in a text with a paragraph such as `Exit code: 0 all is right, 1
/// something is wrong, or missing, 2 wrong usage.`
pub(super) fn exit_codes(text: &str) -> Vec<(String, String)> {
    let mut codes: Vec<(String, String)> = Vec::new();
    let paragraph = text.split("\n\n").find_map(|paragraph| paragraph.strip_prefix(EXIT_CODES));
    let paragraph = paragraph.unwrap_or_default().trim().trim_end_matches('.');
    for part in paragraph.split(", ").filter(|part| !part.is_empty()) {
        match (part.split_once(' '), codes.last_mut()) {
            (Some((code, meaning)), _) if code.parse::<u8>().is_ok() => {
                codes.push((code.to_owned(), meaning.to_owned()));
            }
            // The comma was of the meaning.
            (_, Some((_, meaning))) => *meaning += &format!(", {part}"),
            (_, None) => {}
        }
    }
    for (_, meaning) in &mut codes {
        *meaning = sentence(meaning);
    }
    codes
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// Makes what stands between backticks bold, line by line, as a manual shows commands.
pub(super) fn with_bold_quotes(roff: &str) -> String {
    let mut text = String::with_capacity(roff.len());
    for line in roff.lines() {
        let parts: Vec<_> = line.split('`').collect();
        // An odd number of parts is an even number of backticks.
        if parts.len() % 2 == 0 {
            text += line;
        } else {
            for (index, part) in parts.iter().enumerate() {
                let is_quoted = index % 2 == 1;
                if is_quoted { text.extend(["\\fB", part, "\\fR"]) } else { text += part }
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_what_and_why() {
        let text = "The columns:\n  p50, p99    half\n\nTry it:\n  bookstore audit\n";
        let pair = |what: &str, why: &str| (what.to_owned(), why.to_owned());
        let columns = Block { heading: "COLUMNS".into(), lines: vec![pair("p50, p99", "half")] };
        let examples =
            Block { heading: "EXAMPLES".into(), lines: vec![pair("bookstore audit", "")] };
        assert_eq!(blocks(text), [columns, examples]);
        assert_eq!(blocks(""), []);
    }

    #[test]
    fn exit_codes_keep_the_commas_of_their_meanings() {
        let text = "Does it.\n\nExit code: 0 good, 1 bad, or odd, 2 with --check: not.\n\nMore.";
        let codes = exit_codes(text);
        let pairs: Vec<_> =
            codes.iter().map(|(code, text)| (code.as_str(), text.as_str())).collect();
        assert_eq!(pairs, [("0", "Good."), ("1", "Bad, or odd."), ("2", "With --check: not.")]);
        assert_eq!(exit_codes("Does it."), []);
    }

    #[test]
    fn quotes_become_bold_if_they_come_in_pairs() {
        assert_eq!(with_bold_quotes("run `it` now"), "run \\fBit\\fR now\n");
        assert_eq!(with_bold_quotes("a ` alone"), "a ` alone\n");
    }
}

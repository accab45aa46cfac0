//! docs/races.md shows code that runs, and nothing that is not there.
//!
//! Its blocks of Rust are compiled in src/race, those of Python run in docs/django. A block of either
//! comes after a comment that names the file and how its first line begins:
//!
//! ```text
//! <!-- docs/django/shop/sales.py: def naive -->
//! ```
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::{Path, PathBuf};

const DOCUMENT: &str = "docs/races.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names() -> Vec<&'static str> {
    bookstore::race::STRATEGIES.iter().map(|strategy| strategy.name).collect()
}

/// The item of `path` whose first line begins with `beginning`, with its decorators: up to the next
/// line that is neither empty nor indented nor a closing bracket.
fn item(path: &str, beginning: &str) -> String {
    let text = read(path);
    let lines: Vec<_> = text.lines().collect();
    let first = lines.iter().position(|line| line.starts_with(beginning));
    let first = first.unwrap_or_else(|| panic!("{path} has no {beginning}"));
    let is_inside = |line: &&&str| line.is_empty() || line.starts_with([' ', '}', ')', ']']);
    let end = first + 1 + lines[first + 1..].iter().take_while(is_inside).count();
    let decorators = lines[..first].iter().rev().take_while(|line| line.starts_with('@')).count();
    lines[first - decorators..end].join("\n").trim_end().to_owned()
}

/// Blocks of Rust and Python, each with the line before it.
fn blocks(document: &str) -> Vec<(&str, String)> {
    let lines: Vec<_> = document.lines().collect();
    let starts =
        lines.iter().enumerate().filter(|(_, line)| ["```rust", "```python"].contains(line));
    starts
        .map(|(start, _)| {
            let code = lines[start + 1..].iter().take_while(|line| **line != "```");
            (lines[start - 1], code.copied().collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

#[test]
fn every_block_of_code_is_what_its_file_says() {
    let document = read(DOCUMENT);
    let blocks = blocks(&document);
    assert!(blocks.len() >= 20, "{} blocks", blocks.len());
    for (comment, code) in blocks {
        let source = comment.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        let (path, beginning) = source
            .and_then(|source| source.split_once(": "))
            .unwrap_or_else(|| panic!("{comment:?} does not say where this is from:\n{code}"));
        let source = item(path, beginning);
        assert!(code == source, "{path} says\n\n{source}\n\nand {DOCUMENT} says\n\n{code}");
    }
}

/// Rows of the table of the lines that matter: strategy, Django, Diesel.
fn lines_that_matter(document: &str) -> Vec<[String; 3]> {
    let rows = document.lines().skip_while(|line| *line != "| strategy | Django | Diesel |");
    rows.skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
            cells.collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("three cells: {line}"))
        })
        .collect()
}

#[test]
fn every_line_that_matters_is_in_the_code() {
    let document = read(DOCUMENT);
    let without_space = |text: &str| text.split_whitespace().collect::<String>();
    let django =
        without_space(&(read("docs/django/shop/sales.py") + &read("docs/django/shop/settings.py")));
    let rows = lines_that_matter(&document);
    let strategies: Vec<_> = rows.iter().map(|[strategy, ..]| strategy.trim_matches('`')).collect();
    assert_eq!(strategies, names());
    for [strategy, in_django, in_diesel] in &rows {
        let file = strategy.trim_matches('`').replace('-', "_");
        let diesel = without_space(&read(&format!("src/race/strategy/{file}.rs")));
        for (cell, code) in [(in_django, &django), (in_diesel, &diesel)] {
            // In backquotes is code; what is not is said in words.
            for snippet in cell.split('`').skip(1).step_by(2) {
                assert!(code.contains(&without_space(snippet)), "{strategy}: {snippet}");
            }
        }
    }
}

#[test]
fn every_strategy_has_its_section() {
    let document = read(DOCUMENT);
    for name in names() {
        assert!(document.contains(&format!("\n### `{name}`\n")), "{name}");
    }
}

#[test]
fn what_is_linked_and_pictured_is_there() {
    for document in [DOCUMENT, "README.md", "docs/operate.md", "ops/README.md"] {
        let folder: PathBuf = root().join(document).parent().unwrap().to_owned();
        let text = read(document);
        let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        let pictures = ["src=\"", "srcset=\""].into_iter().flat_map(|attribute| {
            text.split(attribute).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0))
        });
        for target in links.chain(pictures) {
            let path = target.split('#').next().unwrap();
            let is_elsewhere = target.starts_with("http") || path.is_empty();
            assert!(is_elsewhere || folder.join(path).exists(), "{document}: {target}");
        }
    }
}

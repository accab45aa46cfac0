//! `bookstore settings`: a file of all settings, made from the definition of the command line.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Arg, CommandFactory as _};

use super::{CommandLine, Failure};

/// Print a file of all settings, each explained and commented out
///
/// For .env or a file that --env-file names. It shows what may be set, not what is set.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Settings;

const AFTER_HELP: &str = "\
Try it:
  bookstore settings > .env                    and take the # from what should differ";

const HEADER: &str = "\
# Settings, a line NAME=value for each. Every line is optional; what is commented out shows the
# default. Flags and the real environment win over this file. A value with spaces, quotes, $ or #
# goes in single quotes.
";

/// Characters of a line, with its `# `.
const WIDTH: usize = 100;

pub(super) fn run() -> Result<bool, Failure> {
    std::io::stdout().write_all(text().as_bytes())?;
    Ok(true)
}

fn text() -> String {
    let mut text = HEADER.to_owned();
    let command = CommandLine::command();
    // Where a file of settings is cannot be said in it.
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "env_file") {
        if let Some(variable) = argument.get_env() {
            text.push('\n');
            text.push_str(&explanation(argument));
            let _ = writeln!(text, "#{}={}", variable.to_string_lossy(), default(argument));
        }
    }
    text
}

/// The default, or else what kind of value it takes.
fn default(argument: &Arg) -> String {
    let kind = || argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string);
    let defaults = argument.get_default_values().iter().map(|one| one.to_string_lossy().into());
    let values: Vec<String> =
        if defaults.len() > 0 { defaults.collect() } else { kind().collect() };
    values.join(",")
}

fn explanation(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for paragraph in help.lines() {
        lines.push("#".to_owned());
        for word in paragraph.split_whitespace() {
            let line = lines.last_mut().expect("a line was pushed");
            if line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(format!("# {word}"));
            } else {
                line.push(' ');
                line.push_str(word);
            }
        }
    }
    let values = argument.get_possible_values();
    if !values.is_empty() {
        let names: Vec<_> = values.iter().map(|value| value.get_name()).collect();
        lines.push(format!("# One of: {}", names.join(", ")));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_the_tree_is_what_is_printed() {
        let example = include_str!("../../.env.example");
        assert_eq!(
            example,
            text(),
            "run `cargo run --all-features -- settings > .env.example` to make it so"
        );
    }

    #[test]
    fn the_readme_tells_of_every_setting() {
        let readme = include_str!("../../README.md");
        for argument in CommandLine::command().get_arguments() {
            let Some(variable) = argument.get_env() else { continue };
            let flag = argument.get_long().expect("every setting has a flag");
            for name in [format!("`--{flag}"), format!("`{}`", variable.to_string_lossy())] {
                assert!(readme.contains(&name), "README.md does not tell of {name}");
            }
        }
    }

    #[test]
    fn no_line_is_too_wide_and_each_setting_stands_alone() {
        let text = text();
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
        }
        assert!(text.contains("\n#BOOKSTORE_LISTEN=127.0.0.1:8080\n"), "{text}");
        assert!(text.contains("\n#DATABASE_URL=URL\n"), "{text}");
        assert!(!text.contains("BOOKSTORE_ENV_FILE"), "{text}");
    }
}

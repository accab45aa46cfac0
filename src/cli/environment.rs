//! Settings from a file: taken into the environment before clap looks there.

use std::path::{Path, PathBuf};

/// Takes the file that `--env-file` names into the environment, or else `.env`. What is in the
/// environment already stays.
///
/// # Errors
/// What is wrong with the file, without repeating a value: it may be a password.
pub(super) fn load(command: clap::Command) -> Result<(), String> {
    if let Some(file) = named_file(command) {
        let shown = file.display().to_string();
        return dotenvy::from_path(&file).map_err(|error| complaint(&shown, &error));
    }
    // In this folder alone: that of another project above it may name another database. None is as good as
    // an empty one.
    match Path::new(".env").is_file() {
        true => dotenvy::from_path(".env").map_err(|error| complaint(".env", &error)),
        false => Ok(()),
    }
}

/// The file that the command line or the environment names. Whatever else is wrong there is told
/// when all of it is read.
fn named_file(command: clap::Command) -> Option<PathBuf> {
    let matches = command.ignore_errors(true).try_get_matches_from(std::env::args_os()).ok()?;
    matches.get_one::<PathBuf>("env_file").cloned()
}

fn complaint(file: &str, error: &dotenvy::Error) -> String {
    let dotenvy::Error::LineParse(wrong, _) = error else {
        return format!("{file} cannot be read: {error}");
    };
    let name = name_of(file, wrong);
    let which = name.map_or_else(|| "a line".to_owned(), |name| format!("the line of {name}"));
    format!(
        "{file} cannot be read: {which} is not NAME=value; a value with spaces, quotes, $ or # goes \
         in single quotes"
    )
}

/// The name in the line of the file that has `wrong` in it: that may be the line or its value alone.
fn name_of(file: &str, wrong: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.contains(wrong.trim()))?;
    let name = line.split_once('=')?.0.trim();
    let is_name = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (is_name && !name.is_empty()).then(|| name.to_owned())
}

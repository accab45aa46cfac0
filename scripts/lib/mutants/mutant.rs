//! The switches that `scripts/mutants` puts in. Never part of the service.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::Mutex;

/// The change that is on, if any.
static ON: LazyLock<Option<u32>> =
    LazyLock::new(|| std::env::var("MUTANT").ok()?.parse().ok());

/// Where the numbers of those go that are come upon, a line each. The suite itself has a folder there, for the
/// files of its tests.
static REACH: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    std::env::var_os("MUTANT_REACH").map(PathBuf::from).filter(|path| !path.is_dir())
});

static REACHED: Mutex<Vec<bool>> = Mutex::new(Vec::new());

/// Whether this change is on.
pub fn is_on(number: u32) -> bool {
    if let Some(path) = &*REACH {
        reach(number, path);
    }
    *ON == Some(number)
}

/// Writes at once: whoever reaches it may be killed the next moment.
fn reach(number: u32, path: &PathBuf) {
    let mut reached = REACHED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let place = number as usize;
    if reached.len() <= place {
        reached.resize(place + 1, false);
    }
    if !std::mem::replace(&mut reached[place], true) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let written = file.and_then(|mut file| file.write_all(format!("{number}\n").as_bytes()));
        written.expect("the file of MUTANT_REACH can be written");
    }
}

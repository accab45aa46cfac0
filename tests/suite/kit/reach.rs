//! For `scripts/mutants`: a change that is on is on in every process that a test starts, and each test leaves
//! word of what changes it reaches and how long it takes.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::variable;

/// The change that is on.
const ON: &str = "MUTANT";
/// To us the folder of all files of reached changes, to a process its test's file in it.
const REACH: &str = "MUTANT_REACH";

thread_local! {
    /// The test that this thread runs.
    static TEST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the test `name`.
pub fn of<T>(name: &str, test: impl FnOnce() -> T) -> T {
    let Some(folder) = folder() else { return test() };
    TEST.replace(Some(name.to_owned()));
    let begun = Instant::now();
    let outcome = test();
    let line = format!("{name} {:.3}\n", begun.elapsed().as_secs_f64());
    let mut times =
        OpenOptions::new().append(true).create(true).open(folder.join("times")).unwrap();
    times.write_all(line.as_bytes()).unwrap();
    outcome
}

/// Tells a process which change is on, and whose it is.
pub fn tell(command: &mut Command) {
    if let Some(number) = variable(ON) {
        command.env(ON, number);
    }
    // What other threads of a test start belongs to nobody.
    if let (Some(folder), Some(test)) = (folder(), TEST.with_borrow(Clone::clone)) {
        command.env(REACH, folder.join(test));
    }
}

fn folder() -> Option<PathBuf> {
    variable(REACH).map(PathBuf::from)
}

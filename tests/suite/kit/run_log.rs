//! The log of the whole run: what every process that any test started wrote to standard error and to
//! standard output, kept until all tests are over, and then searched for every token that was handed
//! out meanwhile and every password that was used.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::secrets::Secrets;

/// Begins the line that says whose lines follow.
const HEADING: &str = "== ";

/// Variables whose value is a password.
const PASSWORD_VARIABLES: [&str; 2] = ["PGPASSWORD", "MYSQL_PWD"];

/// Stands beside the token that the first run shows on standard output, and nowhere else.
const FIRST_RUN: &str = "Here is an admin token, which is shown only now";

static RUN: Mutex<Option<RunLog>> = Mutex::new(None);

/// Takes in what a process wrote, now that it has ended.
pub fn keep(origin: &Origin, stdout: &str, stderr: &str) {
    let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    run.get_or_insert_with(RunLog::new).keep(origin, stdout, stderr);
}

/// Searches the log of this run; `None` if no process was started.
pub fn verdict() -> Option<Verdict> {
    RUN.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(RunLog::verdict)
}

pub struct RunLog {
    file: File,
    secrets: Secrets,
    processes: usize,
    bytes: usize,
}

impl RunLog {
    pub fn new() -> Self {
        // Tests at a level of `trace` write more than should lie in memory.
        let file = tempfile::tempfile().unwrap();
        Self { file, secrets: Secrets::default(), processes: 0, bytes: 0 }
    }

    pub fn keep(&mut self, origin: &Origin, stdout: &str, stderr: &str) {
        self.processes += 1;
        self.secrets.absorb(&origin.secrets);
        let name = format!("{HEADING}{} {}", self.processes, origin.name);
        self.write(&name, stderr);
        if origin.makes_a_token || stdout.contains(FIRST_RUN) {
            self.secrets.note_tokens(stdout);
        } else {
            self.write(&format!("{name}, stdout"), stdout);
        }
    }

    fn write(&mut self, heading: &str, text: &str) {
        self.bytes += text.len();
        writeln!(self.file, "{heading}\n{text}").unwrap();
    }

    pub fn verdict(&mut self) -> Verdict {
        self.file.rewind().unwrap();
        let mut leaks = Vec::new();
        let mut heading = String::new();
        for line in BufReader::new(&self.file).lines() {
            let line = line.unwrap();
            if line.starts_with(HEADING) {
                heading = line;
            } else if self.secrets.are_in(&line) {
                leaks.push(format!("{heading}: {line}"));
            }
        }
        let (tokens, passwords) = self.secrets.counts();
        Verdict { processes: self.processes, bytes: self.bytes, tokens, passwords, leaks }
    }
}

/// Where output comes from.
pub struct Origin {
    /// The program and its first argument: another may be a URL with a password.
    name: String,
    /// Whether its standard output is a token and nothing else.
    makes_a_token: bool,
    /// What it was told by argument or environment.
    secrets: Secrets,
}

impl Origin {
    pub fn of(command: &Command) -> Self {
        let mut secrets = Secrets::default();
        for (name, value) in command.get_envs() {
            let value = value.unwrap_or_default().to_string_lossy();
            secrets.note_url(&value);
            secrets.note_tokens(&value);
            if PASSWORD_VARIABLES.iter().any(|variable| name == *variable) {
                secrets.note_password(&value);
            }
        }
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        arguments.iter().for_each(|argument| secrets.note_url(argument));
        let program = command.get_program().to_string_lossy();
        let program = program.rsplit('/').next().unwrap_or_default();
        let name = format!("{program} {}", arguments.first().map_or("", |first| first));
        let makes_a_token = arguments.windows(2).any(|two| two == ["token", "create"]);
        Self { name, makes_a_token, secrets }
    }
}

/// What the search found.
pub struct Verdict {
    processes: usize,
    bytes: usize,
    tokens: usize,
    passwords: usize,
    /// Each line with a secret in it, and whose it is.
    pub leaks: Vec<String>,
}

impl Verdict {
    /// Whether no secret is in the log, and there was a log in which it could have been.
    pub fn is_good(&self) -> bool {
        let is_vacuous = self.tokens > 0 && self.bytes == 0;
        self.leaks.is_empty() && !is_vacuous
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processes, bytes, tokens, passwords, leaks } = self;
        write!(
            f,
            "the log of this run ({processes} processes, {bytes} bytes; {tokens} tokens handed out, \
             {passwords} passwords used): "
        )?;
        match (self.is_good(), leaks.len()) {
            (true, _) => write!(f, "no secret in it"),
            (false, 0) => write!(f, "EMPTY"),
            (false, count) => {
                write!(f, "{count} LINES WITH A SECRET\n{}", leaks[..count.min(50)].join("\n"))
            }
        }
    }
}

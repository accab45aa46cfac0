//! The program under test as a process: in an empty folder, with an environment that holds nothing
//! but what the test says.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::run_log::Origin;
use super::{Database, eventually, reach, run_log, secrets};

/// One run of `bookstore` that ends by itself.
pub struct Bookstore {
    command: Command,
    home: Option<tempfile::TempDir>,
    shown: String,
}

impl Bookstore {
    pub fn new<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of(env!("CARGO_BIN_EXE_bookstore"), arguments)
    }

    /// A run of another build of it.
    pub fn of<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let home = tempfile::Builder::new().prefix("bookstore-home-").tempdir().unwrap();
        let mut command = in_clean_environment(program, home.path());
        command.args(&arguments);
        Self { command, home: Some(home), shown: format!("bookstore {}", arguments.join(" ")) }
    }

    pub fn on(self, database: &Database) -> Self {
        self.env("DATABASE_URL", &database.url)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Lets the process believe that its wall clock is off by `shift`, such as `+1d`.
    pub fn with_clock(self, shift: &str) -> Self {
        let library = clock_library().expect("the theme `clocks` is left out without it");
        self.env("LD_PRELOAD", &library)
            .env("FAKETIME", shift)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Lets the process believe that its wall clock is off by the shift that is in `file`, also when that
    /// changes while it runs.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn with_clock_in(self, file: &Path) -> Self {
        let library = clock_library().expect("no clock is stepped without it");
        self.env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &file.display().to_string())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Runs in `folder` instead of an empty one.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn run(mut self) -> Finished {
        let finished = finish(&mut self.command, &self.shown);
        drop(self.home);
        finished
    }

    /// Starts it without waiting for its end.
    pub fn spawn(mut self) -> Running {
        Running::start(&mut self.command, self.home)
    }
}

/// libfaketime, where Debian puts it.
pub fn clock_library() -> Option<String> {
    let architecture = std::env::consts::ARCH;
    let path = format!("/usr/lib/{architecture}-linux-gnu/faketime/libfaketimeMT.so.1");
    Path::new(&path).exists().then_some(path)
}

/// A command that sees only PATH, a home folder, and where coverage goes if it is measured, or what is reached.
pub fn in_clean_environment(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(home).env("HOME", home).stdin(Stdio::null());
    for kept in ["PATH", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    reach::tell(&mut command);
    command
}

/// Runs `command` to its end, which must come within five minutes.
pub fn finish(command: &mut Command, shown: &str) -> Finished {
    let mut running = Running::start(command, None);
    let code = eventually(Duration::from_secs(300), &format!("`{shown}` ends"), || running.ended());
    let (stdout, stderr) = running.all_output();
    secrets::assert_none_in(&stderr);
    Finished { shown: shown.to_owned(), code, stdout, stderr }
}

/// How a run ended and what it said.
pub struct Finished {
    shown: String,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "wrong exit code\n{self}");
        self
    }

    /// Both streams together, for what may be said on either.
    pub fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// Demands that it said each of `words`, in whatever case.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = self.said().to_lowercase();
        for word in words {
            assert!(said.contains(&word.to_lowercase()), "does not say {word:?}\n{self}");
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON: {error}\n{self}"))
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, code, stdout, stderr } = self;
        write!(f, "`{shown}` exited with {code}\n-- stdout\n{stdout}\n-- stderr\n{stderr}")
    }
}

/// A process that runs until it is stopped; killed when dropped.
pub struct Running {
    origin: Origin,
    process: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    _home: Option<tempfile::TempDir>,
}

impl Running {
    pub fn start(command: &mut Command, home: Option<tempfile::TempDir>) -> Self {
        let origin = Origin::of(command);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            collect(process.stdout.take().unwrap(), Arc::clone(&stdout)),
            collect(process.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Self { origin, process, stdout, stderr, readers, _home: home }
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// The exit code, if it ended; the number of the signal below zero, if by one.
    pub fn ended(&mut self) -> Option<i32> {
        let by_signal = |status: ExitStatus| -status.signal().unwrap_or(1);
        let status = self.process.try_wait().unwrap()?;
        Some(status.code().unwrap_or_else(|| by_signal(status)))
    }

    /// All that it wrote, once it has ended.
    fn all_output(&mut self) -> (String, String) {
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (self.stdout(), self.stderr())
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a service manager does (SIGTERM) and gives the exit code.
    pub fn terminate(&mut self) -> i32 {
        self.signal("TERM")
    }

    /// Sends it a signal that it ends by, and gives the exit code.
    pub fn signal(&mut self, name: &str) -> i32 {
        self.send(name);
        eventually(Duration::from_secs(60), &format!("it ends after SIG{name}"), || self.ended())
    }

    /// Sends it a signal.
    pub fn send(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Ends it as a crash does (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        // Whoever it left behind may have its pipes, and is not waited for.
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.readers.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        run_log::keep(&self.origin, &self.stdout(), &self.stderr());
    }
}

fn collect(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

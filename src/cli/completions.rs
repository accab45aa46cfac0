//! `bookstore completions`: what a shell completes, made from the definition of the command line.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{CommandLine, Failure};

/// Print what a shell needs to complete this program's commands and options
///
/// Debian's package brings them for bash, zsh and fish.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

const AFTER_HELP: &str = "\
Try it:
  source <(bookstore completions bash)         for this shell alone
  bookstore completions bash > ~/.local/share/bash-completion/completions/bookstore
  bookstore completions zsh > ~/.zfunc/_bookstore    with ~/.zfunc in the fpath
  bookstore completions fish > ~/.config/fish/completions/bookstore.fish";

pub(super) fn run(args: &Completions) -> Result<bool, Failure> {
    // In memory first: clap_complete panics if it cannot write, as when `head` has seen enough.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), "bookstore", &mut text);
    std::io::stdout().write_all(&text)?;
    Ok(true)
}

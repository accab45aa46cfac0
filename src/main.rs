//! The program `bookstore`: parse the command line, call the library, print.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}

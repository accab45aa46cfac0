//! The program `bookstore`: parse the command line, call the library, print.

mod cli;

use mimalloc::MiMalloc;

// Gives memory back. That of glibc keeps what lies below anything that is still in use: after a siege,
// nearly all that it ever took.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}

//! `bookstore man`: the manual, made from the definition of the command line.
//!
//! What a page says of options is clap_mangen's; the rest is what the help says, put where readers of
//! manuals look for it: `Exit code: ...` under EXIT STATUS, `Try it: ...` under EXAMPLES.

mod text;

use std::io;
use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man as Mangen;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use self::text::{Block, blocks, exit_codes, is_about_exit_codes, with_bold_quotes};
use super::{CommandLine, Failure};

/// Write the manual pages into a folder
///
/// One for each command: bookstore.1, bookstore-serve.1 and so on. Debian's package brings them.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Man {
    /// The folder; it is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore man /tmp/man && man -l /tmp/man/bookstore.1
  bookstore man ~/.local/share/man/man1        where man(1) finds them";

pub(super) fn run(args: &Man) -> Result<bool, Failure> {
    let failed = |path: &std::path::Path, error: io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(&args.folder).map_err(|error| failed(&args.folder, error))?;
    for page in pages()? {
        let file = args.folder.join(format!("{}.1", page.name));
        std::fs::write(&file, page.text).map_err(|error| failed(&file, error))?;
    }
    Ok(true)
}

/// A page of the manual, in roff.
struct Page {
    /// Of the command with those it belongs to, as in `bookstore-token-create`.
    name: String,
    text: String,
}

fn pages() -> io::Result<Vec<Page>> {
    let mut command = CommandLine::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &[], &mut pages)?;
    Ok(pages)
}

/// The page of `command`, and those of its own commands. `ancestors` begins with the program.
fn collect(command: &Command, ancestors: &[&Command], pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(Page { name: name(command).to_owned(), text: page(command, ancestors)? });
    let family = [ancestors, &[command]].concat();
    for child in command.get_subcommands() {
        collect(child, &family, pages)?;
    }
    Ok(())
}

fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command, ancestors: &[&Command]) -> io::Result<String> {
    // A program without a command serves: the options of that are told on its page.
    let is_program = ancestors.is_empty();
    let shown = if is_program { without_those_of_serve(command) } else { own_first(command) };
    let mangen = Mangen::new(shown);
    let help = command.get_after_long_help().or_else(|| command.get_after_help());
    let help = blocks(&help.map(ToString::to_string).unwrap_or_default());
    let (examples, others): (Vec<_>, Vec<_>) = help.iter().partition(|block| block.is_examples());
    let mut page = title(command);
    page += &section(|to| mangen.render_name_section(to))?;
    page += &own_section(&synopsis(command))?;
    page += &own_section(&description(command))?;
    page += &section(|to| mangen.render_options_section(to))?;
    page += &own_section(&blocks_of(&others))?;
    if command.has_subcommands() {
        page += &section(|to| mangen.render_subcommands_section(to))?;
    }
    page += &own_section(&exit_status(command, ancestors))?;
    page += &own_section(&environment(command))?;
    page += &own_section(&files(command))?;
    page += &own_section(&blocks_of(&examples))?;
    // Those of the program are its commands, which are told above.
    if !is_program {
        page += &own_section(&see_also(command, ancestors))?;
    }
    Ok(with_bold_quotes(&page))
}

/// With what all pages share: words are not broken, as some are names, and lines are not stretched.
/// (clap_mangen leaves out an empty date, and the version would stand in its place.)
fn title(command: &Command) -> String {
    let title = name(command).to_uppercase().replace('-', "\\-");
    let version = env!("CARGO_PKG_VERSION");
    format!(".TH \"{title}\" \"1\" \"\" \"bookstore {version}\" \"Bookstore\"\n.nh\n.ad l\n")
}

fn section(render: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<String> {
    let mut text = Vec::new();
    render(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

fn own_section(roff: &Roff) -> io::Result<String> {
    section(|mut to| roff.to_writer(&mut to))
}

fn without_those_of_serve(command: &Command) -> Command {
    let serve = command.find_subcommand("serve").into_iter();
    let of_serve: Vec<_> = serve
        .flat_map(Command::get_arguments)
        .filter(|argument| !argument.is_global_set())
        .map(|argument| argument.get_id().clone())
        .filter(|id| id != "help" && id != "version")
        .collect();
    command.clone().mut_args(|argument| {
        let is_of_serve = of_serve.contains(argument.get_id());
        if is_of_serve { argument.hide(true) } else { argument }
    })
}

/// Those that every command has come last, under a heading of their own.
fn own_first(command: &Command) -> Command {
    command.clone().mut_args(|argument| {
        let is_common = argument.is_global_set();
        if is_common { argument.help_heading("Common options") } else { argument }
    })
}

/// As the help says it: clap_mangen would list every option.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let program = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let rest = usage.strip_prefix(program).unwrap_or(usage);
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(program), roman(rest)]);
    roff
}

fn description(command: &Command) -> Roff {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let mut paragraphs: Vec<_> =
        about.split("\n\n").filter(|paragraph| !is_about_exit_codes(paragraph)).collect();
    // The first says what the page's NAME said.
    if paragraphs.len() > 1 {
        paragraphs.remove(0);
    }
    if command.get_name() == "bookstore" {
        paragraphs.push("All options of bookstore-serve(1) may be given without a command too.");
    }
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in paragraphs {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    roff
}

fn environment(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for argument in command.get_arguments() {
        if let (Some(variable), Some(flag)) = (argument.get_env(), argument.get_long()) {
            roff.control("TP", []);
            roff.text([bold(variable.to_string_lossy())]);
            roff.text([roman("As "), bold(format!("--{flag}")), roman(".")]);
        }
    }
    roff.control("PP", []);
    roff.text([roman(
        "A flag wins over the environment, and the environment over the file of settings.",
    )]);
    roff
}

/// The codes of the command itself, or else of the nearest that it belongs to.
fn exit_status(command: &Command, ancestors: &[&Command]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    let line = [ancestors, &[command]].concat();
    let abouts = line.iter().rev().filter_map(|one| one.get_long_about()).map(ToString::to_string);
    let codes = abouts.map(|about| exit_codes(&about)).find(|codes| !codes.is_empty());
    for (code, meaning) in codes.unwrap_or_default() {
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(meaning)]);
    }
    roff
}

const OF_A_WORKING_DIRECTORY: (&str, &str) = (
    ".env",
    "Settings, in the working directory or the nearest one above it, unless --env-file names \
     another file. `bookstore settings` prints one.",
);
const OF_A_SERVICE: (&str, &str) =
    ("/etc/bookstore/bookstore.env", "Settings of the service that Debian's package installs.");
const DATABASES: [(&str, &str); 2] = [
    (
        "bookstore.db",
        "The database of a store that nobody configured, in the working directory. While it is in \
         use, bookstore.db-wal and bookstore.db-shm belong to it.",
    ),
    (
        "/var/lib/bookstore/bookstore.db",
        "The database of the service that Debian's package installs, unless its settings name \
         another.",
    ),
];
const REJECTS: (&str, &str) = (
    "NAME.rejects.csv",
    "The rows of NAME.csv that stayed out, each with its line and the reason, in the working \
     directory unless --rejects names another file.",
);

fn files(command: &Command) -> Roff {
    let mut files = vec![OF_A_WORKING_DIRECTORY, OF_A_SERVICE];
    match command.get_name() {
        "bookstore" | "serve" => files.extend(DATABASES),
        "import" => files.push(REJECTS),
        _ => {}
    }
    let mut roff = Roff::new();
    roff.control("SH", ["FILES"]);
    for (file, what) in files {
        roff.control("TP", []);
        roff.text([italic(file)]);
        roff.text([roman(what)]);
    }
    roff
}

/// What stands below the help: examples, and whatever else has a heading there.
fn blocks_of(blocks: &[&Block]) -> Roff {
    let mut roff = Roff::new();
    for Block { heading, lines } in blocks {
        roff.control("SH", [heading.as_str()]);
        for (what, why) in lines {
            roff.control("TP", []);
            roff.text([bold(what)]);
            // A tag wants a body, if an empty one.
            roff.text(if why.is_empty() { [Inline::LineBreak] } else { [roman(why)] });
        }
    }
    roff
}

fn see_also(command: &Command, ancestors: &[&Command]) -> Roff {
    let parent = ancestors.last().copied();
    let siblings = parent.filter(|_| ancestors.len() > 1).into_iter();
    let siblings = siblings.flat_map(Command::get_subcommands);
    let related = ancestors.iter().copied().chain(siblings);
    let related: Vec<_> = related
        .map(name)
        .filter(|&other| other != name(command))
        .map(|other| [bold(other), roman("(1)")])
        .collect();
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text(related.join(&roman(", ")));
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_all_that_readers_look_for() {
        let pages = pages().unwrap();
        let names: Vec<_> = pages.iter().map(|page| page.name.as_str()).collect();
        for name in ["bookstore", "bookstore-serve", "bookstore-token-create", "bookstore-race-run"]
        {
            assert!(names.contains(&name), "{names:?}");
        }
        for Page { name, text } in &pages {
            for heading in [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "ENVIRONMENT",
                "\"EXIT STATUS\"",
                "FILES",
            ] {
                let found = text.matches(&format!("\n.SH {heading}\n")).count();
                assert_eq!(found, 1, "{heading} of {name}\n{text}");
            }
            assert_eq!(text.contains("SEE ALSO"), name != "bookstore", "{name}\n{text}");
            let is_a_group = text.contains("\n.SH SUBCOMMANDS\n") && name != "bookstore";
            assert!(is_a_group || text.contains("\n.SH EXAMPLES\n"), "{name}\n{text}");
            assert!(!text.contains('`') && !text.contains("Exit code:"), "{name}\n{text}");
        }
    }

    #[test]
    fn the_page_of_serve_has_every_setting_and_that_of_the_program_leaves_them_to_it() {
        let pages = pages().unwrap();
        let page = |name| &pages.iter().find(|page| page.name == name).unwrap().text;
        let (program, serve) = (page("bookstore"), page("bookstore-serve"));
        let options = program.split(".SH SUBCOMMANDS").next().unwrap();
        assert!(!options.contains("\\-\\-listen") && options.contains("\\-\\-database\\-url"));
        for argument in CommandLine::command().get_arguments() {
            let Some(flag) = argument.get_long() else { continue };
            assert!(serve.contains(&format!("\\-\\-{}", flag.replace('-', "\\-"))), "{flag}");
        }
    }
}

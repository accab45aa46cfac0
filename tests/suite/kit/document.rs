//! Blocks of code in the project's documents, run as they stand there.

use std::path::Path;

use super::{Finished, finish, in_clean_environment};

/// A block of code in a document.
pub struct Block {
    pub language: String,
    pub code: String,
}

/// Every block of the document at `path`, which is relative to the repository.
pub fn blocks(path: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some((indent, Block { language: language.to_owned(), code: String::new() }));
            }
            (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
            (None, Some((indent, block))) => {
                block.code += line.get(*indent..).unwrap_or_default();
                block.code.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of {path} does not end");
    blocks
}

/// The block of the document at `path` whose first line names `file`.
pub fn block(path: &str, file: &str) -> Block {
    let names = |block: &Block| block.code.lines().next().is_some_and(|line| line.contains(file));
    blocks(path).into_iter().find(names).unwrap_or_else(|| panic!("no block of {path} is {file}"))
}

impl Block {
    /// Runs it in `folder`, with nothing in its environment but PATH, a home and this.
    pub fn run(&self, folder: &Path, environment: &[(&str, &str)]) -> Finished {
        let (program, file) = match self.language.as_str() {
            "sh" => ("bash", "block.sh"),
            "python" => ("python3", "block.py"),
            "js" => ("node", "block.mjs"),
            other => panic!("nobody knows how to run {other:?}"),
        };
        std::fs::write(folder.join(file), &self.code).unwrap();
        let mut command = in_clean_environment(program, folder);
        command.envs(environment.iter().copied()).arg(file);
        finish(&mut command, &format!("{program} {file}"))
    }
}

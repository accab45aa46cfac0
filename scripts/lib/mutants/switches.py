#!/usr/bin/env python3
"""Usage: switches.py CHANGES TREE OUT

Puts every change of CHANGES (a list of `cargo mutants --list --json`) into the sources of TREE, each behind a
switch of its own. One program then has them all, the variable MUTANT says which one is on, and a build for each
is saved. Those that do not compile are taken out again. OUT gets the numbers of those that are in.

At the start of a function whose body is B, a change of it to B' becomes

    if crate::mutant::is_on(7) { return { B' }; }
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import changes

MODULE = "mutant"
BEGINS, ENDS = "// begins ", "// ends "
# What one error hides, the next round shows: types first, then borrows.
MOST_ROUNDS = 20


class Source:
    """A file, and the places that cargo-mutants names in it by line and column, both from 1."""

    def __init__(self, path):
        self.text = path.read_text()
        lengths = [len(line) for line in self.text.splitlines(keepends=True)]
        self.starts = [sum(lengths[:line]) for line in range(len(lengths) + 1)]

    def offset(self, place):
        return self.starts[place["line"] - 1] + place["column"] - 1

    def range(self, span):
        return self.offset(span["start"]), self.offset(span["end"])

    def body(self, of_function):
        """From after the function's brace, or its first statement, to the brace that ends it."""
        start, end = self.range(of_function[0].function)
        for change in of_function:
            if change.is_whole_body:
                return self.offset(change.span["start"]), end - 1
        # Past comments and attributes, which may have braces.
        while self.text[start] != "{":
            is_aside = self.text[start] == "#" or self.text.startswith("//", start)
            start = self.text.index("\n", start) if is_aside else start + 1
        return start + 1, end - 1

    def with_switches(self, its_changes):
        functions = defaultdict(list)
        for change in its_changes:
            functions[self.range(change.function)].append(change)
        text = self.text
        # From the last to the first: places before an insertion stay where they are.
        for of_function in (functions[place] for place in sorted(functions, reverse=True)):
            start, end = self.body(of_function)
            switches = "".join(self.switch(change, start, end) for change in of_function)
            text = text[:start] + switches + text[start:]
        return text

    def switch(self, change, start, end):
        if change.is_whole_body:
            body = change.replacement
        else:
            first, last = self.range(change.span)
            body = self.text[start:first] + change.replacement + self.text[last:end]
        condition = f"if crate::{MODULE}::is_on({change.number})"
        lines = ["", BEGINS + str(change.number), f"{condition} {{ return {{ {body}", "}; }"]
        return "\n".join([*lines, ENDS + str(change.number), ""])


def lines_of_switches(text):
    """(first, last, number) of each, in lines from 1."""
    first = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(BEGINS):
            first = number
        if line.startswith(ENDS):
            yield first, number, int(line.removeprefix(ENDS))


def errors(tree):
    command = ["cargo", "check", "--lib", "--all-features", "--locked", "--message-format=json"]
    checked = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    messages = [json.loads(line) for line in checked.stdout.splitlines()]
    of_compiler = [it["message"] for it in messages if it["reason"] == "compiler-message"]
    found = [it for it in of_compiler if it["level"] == "error" and it["spans"]]
    if checked.returncode != 0 and not found:
        give_up(checked.stderr)
    return found


def give_up(why):
    print(why, file=sys.stderr)
    sys.exit(2)


def culprits(error, switches):
    """The changes in whose switches the compiler found something wrong, first where it says it is."""
    primary = [span for span in error["spans"] if span["is_primary"]]
    for spans in (primary, error["spans"]):
        found = {
            number
            for span in spans
            for first, last, number in switches.get(span["file_name"], [])
            if first <= span["line_start"] <= last
        }
        if found:
            return found
    # A function that returns `impl Trait` has the type of its first `return`, and then its own body is wrong.
    return {number for span in primary for number in before(span, switches)}


def before(span, switches):
    """The changes of the function whose body this is: its switches are one after the other above that."""
    above = [it for it in switches.get(span["file_name"], []) if it[1] < span["line_start"]]
    found = []
    next_first = None
    for first, last, number in reversed(above):
        # An empty line is between two of them.
        if next_first and last + 2 < next_first:
            break
        found.append(number)
        next_first = first
    return found


def main(listed, tree, out):
    print("Looking for the changes that compile ...", file=sys.stderr)
    known = [change for change in changes.read(listed) if change.function]
    files = sorted({change.file for change in known})
    sources = {file: Source(tree / file) for file in files}
    library = tree / "src/lib.rs"
    library.write_text(f"{library.read_text()}\npub mod {MODULE};\n")
    (tree / f"src/{MODULE}.rs").write_text(Path(__file__).with_name("mutant.rs").read_text())
    left = set(known)
    for _ in range(MOST_ROUNDS):
        switches = {}
        for file in files:
            text = sources[file].with_switches([it for it in known if it in left and it.file == file])
            (tree / file).write_text(text)
            switches[file] = list(lines_of_switches(text))
        found = errors(tree)
        if not found:
            Path(out).write_text(json.dumps(sorted(change.number for change in left)))
            return
        wrong = set().union(*(culprits(error, switches) for error in found))
        if not wrong:
            give_up("no change is to blame for this:\n" + found[0]["rendered"])
        left = {change for change in left if change.number not in wrong}
        print(f"{len(left)} of {len(known)} changes compile as far as can be seen", file=sys.stderr)
    give_up(f"after {MOST_ROUNDS} rounds it still does not compile")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        give_up(__doc__)
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])

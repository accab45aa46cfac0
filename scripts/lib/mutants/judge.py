#!/usr/bin/env python3
"""Judges each change that a program has behind a switch: does a test notice that it is on?

First all tests run with none on, to see which change each of them reaches and how long it takes. Then, for one
change after the other, those that reach it run, first the themes about its file, until one fails. What was
found so far stays in FOLDER/verdicts.jsonl, and is not looked for again.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import changes

# Tests of the suite that are run together; the first ones notice most of what is noticed at all.
STAGES = [8, 24, 72]
# So many times as long as without a change may tests take, and so many seconds besides.
PATIENCE, REPRIEVE = 2, 20
# The themes of the suite that are about a file, by a part of its path. Only an order: other tests come later.
KIN = {
    "domain/": ["orders", "holds", "bad_input"],
    "till/": ["till", "siding", "inside", "sweeper", "index", "outage", "doubts"],
    "sweeper": ["sweeper", "holds", "clocks"],
    "audit": ["audit"],
    "index": ["index", "search", "words", "import"],
    "search": ["search", "words", "index"],
    "listing": ["pages", "search"],
    "books/": ["catalogue"],
    "books/mod": ["idempotency", "import"],
    "clients": ["access", "roles", "operate"],
    "token": ["access", "command_line", "logs", "http"],
    "clock": ["clocks", "orders"],
    "connection": ["operate", "patience", "audit", "database_tls"],
    "encryption": ["database_tls", "verified_database"],
    "database_url": ["command_line", "database_tls", "logs"],
    "secrets": ["logs", "command_line"],
    "pooling": ["operate", "command_line"],
    "silence": ["operate", "outage"],
    "entries": ["restocks", "stocktakes", "returns", "idempotency"],
    "/stock": ["restocks", "stocktakes", "returns", "catalogue", "idempotency"],
    "movements": ["pages", "restocks", "returns"],
    "intake": ["import", "import_files"],
    "life": ["holds", "hold_races", "returns", "sweeper", "clocks"],
    "locking": ["locks", "hold_races", "races", "siding"],
    "kept": ["siding"],
    "migrations": ["command_line", "installed", "first_run", "operate"],
    "orders": ["orders", "holds", "pages"],
    "sale": ["orders", "purchases", "idempotency", "till"],
    "postgres/": ["orders", "purchases", "holds", "idempotency", "till"],
    "transaction": ["outage", "doubts", "patience", "till", "locks", "search"],
    "pool": ["outage", "patience", "inside"],
    "error": ["outage", "doubts", "patience", "till"],
}
NOTICED, ALIVE, UNREACHED = "noticed", "not noticed", "reached by no test"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", required=True, help="the list that `cargo mutants --list --json` wrote")
    parser.add_argument("--compiled", required=True, help="the numbers of those that are in the programs")
    parser.add_argument("--folder", required=True, type=Path, help="where verdicts and the like are kept")
    parser.add_argument("--tree", required=True, type=Path, help="where the programs are to be run")
    parser.add_argument("--beside", required=True, help="the program of the tests beside the code; those of a room run first")
    parser.add_argument("--suite", required=True, help="the program of the suite")
    parser.add_argument("--explained", required=True, type=Path, help="the list of what may survive")
    parser.add_argument("--shard", default="0/1", help="K/N: only the K-th of N random parts, K from 0")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="run at most so many tests a change")
    parser.add_argument("--seed", type=int, default=1, help="of the order, and of the parts")
    return parser.parse_args()


def numbers(path):
    return {int(line) for line in path.read_text().split()} if path.exists() else set()


def run(command, tree, seconds=None, **variables):
    """Its exit code and what it said; None for the code of one whose time was up."""
    environment = {**os.environ, **variables}
    # No pipe: whoever a test left behind would keep it open.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            command,
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        output.seek(0)
        return code, output.read()


def one_of_each_theme(names, key):
    """All of them, each theme's first by this key before anybody's second."""
    ranks, earlier = {}, Counter()
    for name in sorted(names, key=key):
        theme = name.rsplit("::", 1)[0]
        ranks[name] = earlier[theme]
        earlier[theme] += 1
    return sorted(names, key=lambda name: (ranks[name], key(name)))


@dataclass
class Tests:
    """What there is to run, and what is known of it."""

    tree: Path
    folder: Path
    beside: str
    suite: str
    # Seconds that all tests beside the code take, and what they reach.
    beside_takes: float = 0
    beside_reaches: set = field(default_factory=set)
    # Seconds of a test of the suite.
    times: dict = field(default_factory=dict)
    # Tests of the suite by the number of a change.
    reaching: dict = field(default_factory=lambda: defaultdict(list))

    def measure(self):
        reach = self.folder / "reach"
        if not (reach / "is-whole").exists():
            shutil.rmtree(reach, ignore_errors=True)
            reach.mkdir()
        begun = time.monotonic()
        self.is_good([self.beside], reach / "beside")
        self.beside_takes = time.monotonic() - begun
        self.beside_reaches = numbers(reach / "beside")
        # That takes as long as all tests do: what an earlier run found is good.
        if not (reach / "is-whole").exists():
            self.is_good([self.suite], reach)
            (reach / "is-whole").touch()
        for line in (reach / "times").read_text().splitlines():
            name, seconds = line.split()
            self.times[name] = float(seconds)
        for name in self.times:
            for number in numbers(reach / name):
                self.reaching[number].append(name)

    def is_good(self, command, reach):
        code, said = run(command, self.tree, MUTANT_REACH=str(reach))
        if code != 0:
            give_up(f"{said[-4000:]}\n{command[0]} fails without any change")

    def of(self, change):
        """Those of the suite that reach a change: first the themes that are about its file, one test of each, then
        the next; then all others."""
        kin = {theme for part, themes in KIN.items() if part in change.file for theme in themes}
        names = one_of_each_theme(self.reaching[change.number], self.times.get)
        return sorted(names, key=lambda name: name.split("::")[1] not in kin)

    def notice_beside_the_code(self, change):
        if change.number not in self.beside_reaches:
            return None
        limit = PATIENCE * self.beside_takes + REPRIEVE
        command = [self.beside, f"{change.room}::"]
        code, said = run(command, self.tree, limit, MUTANT=str(change.number))
        return None if code == 0 else culprit(code, said)

    def notice_together(self, number, names):
        only = self.folder / "only"
        only.write_text("\n".join(names))
        limit = PATIENCE * sum(self.times[name] for name in names) + REPRIEVE
        variables = {"MUTANT": str(number), "BOOKSTORE_TEST_ONLY": str(only), "BOOKSTORE_TEST_STOP_AT_FAILURE": "1"}
        code, said = run([self.suite], self.tree, limit, **variables)
        return None if code == 0 else culprit(code, said)


def culprit(code, said):
    """The test that failed; or what else became of the program of the tests."""
    if code is None:
        return "time was up"
    if "BOOKSTORE_TEST_ONLY" in said:
        give_up(said)
    failed = [line for line in said.splitlines() if line.startswith("test ") and line.rstrip().endswith("FAILED")]
    return failed[0].split(" ... ")[0].split()[-1] if failed else "the tests themselves ended"


def give_up(why):
    print(why, file=sys.stderr)
    sys.exit(2)


def judge(tests, change, earlier, most):
    """What became of it, by whom or after how many tests."""
    if not earlier:
        noticed = tests.notice_beside_the_code(change)
        if noticed:
            return {"verdict": NOTICED, "by": noticed}
    names = tests.of(change)
    tried = earlier.get("tried", 0)
    stages = iter(STAGES)
    while tried < min(most, len(names)):
        some = names[tried : min(most, tried + next(stages, len(names)))]
        noticed = tests.notice_together(change.number, some)
        if noticed:
            return {"verdict": NOTICED, "by": noticed}
        tried += len(some)
    return {"verdict": ALIVE if names else UNREACHED, "tried": tried, "of": len(names)}


def is_settled(verdict, most):
    return bool(verdict) and verdict.get("tried", 0) >= min(most, verdict.get("of", 0))


class Ledger:
    """The verdicts, by number and name: a file may have the same change twice."""

    def __init__(self, path):
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.verdicts = {(it["number"], it["name"]): it for it in map(json.loads, lines)}

    def of(self, change):
        return self.verdicts.get((change.number, change.name), {})

    def add(self, change, verdict):
        verdict = {"number": change.number, "name": change.name, "file": change.file, **verdict}
        self.verdicts[change.number, change.name] = verdict
        with self.path.open("a") as file:
            file.write(json.dumps(verdict) + "\n")


def show_progress(done, count, tally, began):
    left = (time.monotonic() - began) / done * (count - done) if done else 0
    words = ", ".join(f"{number} {verdict}" for verdict, number in tally.items())
    line = f"{done} of {count} changes: {words}; about {left / 60:.0f} minutes left"
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif done % 20 == 0:
        print(line, file=sys.stderr, flush=True)


def table(judged, ledger):
    by_file = defaultdict(Counter)
    for change in judged:
        for row in (change.file, "in all"):
            by_file[row][ledger.of(change)["verdict"]] += 1
    width = max(map(len, by_file))
    lines = [f"{'':{width}} {'changes':>8} {NOTICED:>8} {'share':>6}"]
    for row in [*sorted(row for row in by_file if row != "in all"), "in all"]:
        count, noticed = by_file[row].total(), by_file[row][NOTICED]
        lines.append(f"{row:{width}} {count:>8} {noticed:>8} {100 * noticed // count:>5}%")
    return "\n".join(lines)


def main(args):
    # So that the tests that run end with this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ledger = Ledger(args.folder / "verdicts.jsonl")
    tests = Tests(args.tree, args.folder, args.beside, args.suite)
    all_changes = changes.read(args.changes)
    tests.measure()
    compiled = set(json.loads(Path(args.compiled).read_text()))
    all_in = [change for change in all_changes if change.number in compiled]
    random.Random(args.seed).shuffle(all_in)
    part, parts = map(int, args.shard.split("/"))
    asked = all_in[part::parts]
    if not asked:
        print("There is nothing to judge.")
        return 0
    tally, began = Counter(), time.monotonic()
    for done, change in enumerate(asked):
        show_progress(done, len(asked), tally, began)
        earlier = ledger.of(change)
        if not is_settled(earlier, args.most):
            ledger.add(change, judge(tests, change, earlier, args.most))
        tally[ledger.of(change)["verdict"]] += 1
    print(f"\n{table(asked, ledger)}")
    # In a table a bar is written with a backslash before it.
    explained = args.explained.read_text().replace("\\|", "|")
    survivors = sorted({it.name for it in asked if ledger.of(it)["verdict"] != NOTICED})
    unexplained = [name for name in survivors if f"`{name}`" not in explained]
    for name in unexplained:
        print(f"survives, and {args.explained.name} does not say why: {name}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(arguments()))

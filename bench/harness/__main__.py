"""`python -m harness`, as scripts/bench starts it."""

import os
import signal
import sys
import time

from . import machine, markdown, options, page, surroundings, terminal
from .measure import Bench
from .progress import say
from .results import Results, load
from .rounds import Rounds
from .stores import Stores
from .surroundings import BENCH
from .trouble import Trouble

MEASURED, WRONG, CANNOT = 0, 1, 2


def main() -> int:
    """Measures, writes and shows; the exit code."""
    given = options.parse()
    # Ends by way of every `finally`, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        results, about = measure(given)
    except Trouble as trouble:
        say(f"Can't go on: {trouble}")
        return CANNOT
    except KeyboardInterrupt:
        say("interrupted")
        return 128 + signal.SIGINT
    (given.out / "index.html").write_text(page.render(results, about))
    if given.is_full(results.scenarios()):
        (BENCH / "RESULTS.md").write_text(markdown.page(results, about))
        say(f"wrote {BENCH / 'RESULTS.md'}")
    say(f"wrote {given.out / 'results.json'} and index.html beside it\n")
    print(terminal.show(results))
    return WRONG if results.all_failures() else MEASURED


def measure(given: options.Options) -> tuple[Results, dict]:
    """All rounds, and what is to be told about them."""
    around = surroundings.read()
    given.out.mkdir(parents=True, exist_ok=True)
    # Away from a developer's .env, which the bookstore would read.
    os.chdir(around.scratch)
    stores = Stores(around)
    machine.require_disk(around, stores)
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "rounds": given.rounds,
        "seconds": given.seconds,
        "machine": machine.about(around, stores),
        "settings": machine.settings(stores),
    }
    file = given.out / "results.json"
    earlier = load(file, about) if given.is_resumed else Results()
    rounds = Rounds(given, Bench(stores, around), stores, earlier)
    return rounds.run(lambda results: results.save(file, about)), about


if __name__ == "__main__":
    sys.exit(main())

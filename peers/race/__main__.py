"""`python -m race PEER...`, as scripts/peers starts it."""

import importlib
import signal
import sys

from harness.trouble import Trouble

from .buyers import race
from .plan import SetUp
from .report import heading, reasons, row

RAN, CANNOT = 0, 2
# Seconds in which buyers of one run may begin. It bounds the whole, not what is measured.
_LIMIT = 900


def main(peers: list[str]) -> int:
    """A table for each set-up of each peer; the exit code."""
    # Ends by way of every `finally`, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        for peer in peers:
            for set_up in importlib.import_module(f"race.{peer}").SET_UPS:
                _table(set_up)
    except Trouble as trouble:
        print(f"Can't go on: {trouble}", file=sys.stderr)
        return CANNOT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return RAN


def _table(set_up: SetUp) -> None:
    with set_up.open() as shop:
        print(heading(set_up.title, set_up.describe()), flush=True)
        for run in set_up.runs:
            outcome = race(shop, run, _LIMIT)
            print(row(outcome), flush=True)
            print(reasons(outcome), file=sys.stderr, flush=True)
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

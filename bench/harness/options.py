"""The command line. Run alone (`python -m harness.options ARG...`) it only checks the arguments."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from . import plan
from .surroundings import ROOT

DESCRIPTION = """\
Measures the bookstore side by side with its peers, on throw-away database servers with full
durability, and shows the ratios beside the bars that they must reach.

Peers: the bookstore's own path with one transaction for each order, pgbench doing the same work in
the same tables, Django with select_for_update behind gunicorn, and the same HTTP server without a
database behind the purchase.

Every contestant of a scenario runs once a round, in an order that rotates; figures are medians over
the rounds. Each run gets a fresh copy of its database, and is audited: what the load generator was
told it sold must be what the database sold. A run that fails this has no figure.
"""

EPILOG = """\
scenarios:
{scenarios}

examples:
  scripts/bench                          all of it, about an hour; then writes bench/RESULTS.md
  scripts/bench --quick                  a look at whether everything works
  scripts/bench --only hot,idle --rounds 3
  scripts/bench --resume                 what an interrupted run left over

Exit codes: 0 measured, 1 a run failed its audit, 2 wrong usage or environment.
"""


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    only: tuple[str, ...]
    rounds: int
    seconds: int
    out: Path
    is_quick: bool
    # Whether scenarios that an earlier run measured are kept.
    is_resumed: bool

    def is_full(self, scenarios: list[str]) -> bool:
        """Whether results with these scenarios may replace bench/RESULTS.md."""
        return not self.is_quick and set(scenarios) == set(plan.SCENARIOS)


def parse(arguments: list[str] | None = None) -> Options:
    """Reads the command line; ends the program if it is wrong."""
    width = max(map(len, plan.SCENARIOS))
    scenarios = "\n".join(f"  {name:<{width}}  {text}" for name, text in plan.SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=DESCRIPTION,
        epilog=EPILOG.format(scenarios=scenarios),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round of 2 s of everything small: no growth to millions",
    )
    parser.add_argument(
        "--only", metavar="NAME[,NAME]", type=_scenarios, help="only these scenarios"
    )
    parser.add_argument("--rounds", metavar="N", type=_positive, help="rounds (default 5)")
    parser.add_argument(
        "--seconds", metavar="N", type=_positive, help="length of each measurement (default 5)"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=ROOT / "target/bench/results",
        help="where results.json and index.html go (default target/bench/results)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep the scenarios that an earlier run with the same commit and options left in --out",
    )
    given = parser.parse_args(arguments)
    everything = [name for name in plan.SCENARIOS if name != "growth" or not given.quick]
    return Options(
        only=tuple(given.only or everything),
        rounds=given.rounds or (1 if given.quick else 5),
        seconds=given.seconds or (2 if given.quick else 5),
        out=given.out.resolve(),
        is_quick=given.quick,
        is_resumed=given.resume,
    )


def _scenarios(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in plan.SCENARIOS:
            known = ", ".join(plan.SCENARIOS)
            raise argparse.ArgumentTypeError(f"there is no scenario {name!r}; there are: {known}")
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)


if __name__ == "__main__":
    parse()

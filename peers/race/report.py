"""What is printed: one table of Markdown for each set-up, and why buyers were refused."""

import time

from .buyers import FAILED, ORDERED, ORDERED_LATER, Outcome

HEAD = (
    "who buys",
    "asked",
    "told “ordered”",
    "told so at the second try",
    "copies in its orders",
    "its stock counter",
    "oversold",
    "seconds",
)


def heading(title: str, set_up: str) -> str:
    """What was run, on which day."""
    return f"### {title}, {time.strftime('%Y-%m-%d')}\n\n{set_up}\n\n{_line(HEAD)}\n{_rule()}"


def row(outcome: Outcome) -> str:
    """One run."""
    run, account = outcome.run, outcome.account
    over = account.sold - run.copies
    return _line(
        (
            _who(outcome),
            str(run.attempts),
            str(outcome.told[ORDERED]),
            str(outcome.told[ORDERED_LATER]),
            f"{account.sold} of {run.copies}",
            account.counter,
            f"**by {over}**" if over > 0 else "no",
            f"{outcome.seconds:.0f}",
        )
    )


def reasons(outcome: Outcome) -> str:
    """Why buyers were not served, most frequent first; for the log, not for the page."""
    told = sum(outcome.told.values())
    lines = [f"    {count} x {reason}" for reason, count in outcome.reasons.most_common(8)]
    if outcome.told[FAILED]:
        lines.insert(0, f"    {outcome.told[FAILED]} had no answer")
    if told < outcome.run.attempts:
        lines.append(f"    {outcome.run.attempts - told} did not begin: out of time")
    return "\n".join([f"  {_who(outcome)}: {dict(outcome.told)}", *lines])


def _who(outcome: Outcome) -> str:
    run = outcome.run
    how = "one after another" if run.buyers == 1 else f"{run.buyers} at once"
    return f"{how}, all stand at the till" if run.baskets_first else how


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule() -> str:
    # Words to the left, figures to the right.
    return _line(tuple("---" if name in ("who buys", HEAD[5]) else "---:" for name in HEAD))

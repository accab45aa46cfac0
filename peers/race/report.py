"""What is printed: one table of Markdown for each set-up, and why buyers were refused."""

import time

from .buyers import FAILED, ORDERED, REFUSED, Outcome

HEAD = (
    "who buys",
    "asked",
    "told “ordered”",
    "copies in its orders",
    "its stock counter",
    "oversold",
    "seconds",
    "second try: told “ordered”",
    "copies then",
)
_WORDS = ("who buys", "its stock counter")


def heading(title: str, set_up: str) -> str:
    """What was run, on which day."""
    return f"### {title}, {time.strftime('%Y-%m-%d')}\n\n{set_up}\n\n{_line(HEAD)}\n{_rule()}"


def row(outcome: Outcome) -> str:
    """One run."""
    run, account = outcome.run, outcome.account
    over = max(account.sold, outcome.account_again.sold) - run.copies
    return _line(
        (
            _who(outcome),
            str(run.attempts),
            str(outcome.told[ORDERED]),
            f"{account.sold} of {run.copies}",
            account.counter,
            f"**by {over}**" if over > 0 else "no",
            f"{outcome.seconds:.0f}",
            f"{outcome.told_again[ORDERED]} of {sum(outcome.told_again.values())}",
            str(outcome.account_again.sold),
        )
    )


def reasons(outcome: Outcome) -> str:
    """What buyers were told, the most frequent refusals first; for the log, not for the page."""
    told = outcome.told
    lines = [
        f"  {_who(outcome)}: {told[ORDERED]} ordered, {told[REFUSED]} refused, "
        f"{told[FAILED]} without an answer, "
        f"{outcome.run.attempts - sum(told.values())} did not begin in time",
        *(f"    {count} x {reason}" for reason, count in outcome.reasons.most_common(8)),
    ]
    if outcome.told_again:
        lines.append(f"    at the second try: {dict(outcome.told_again)}")
        lines.append(f"    its stock counter then: {outcome.account_again.counter}")
    return "\n".join(lines)


def _who(outcome: Outcome) -> str:
    run = outcome.run
    how = "one after another" if run.buyers == 1 else f"{run.buyers} at once"
    return f"{how}, all stand at the till" if run.baskets_first else how


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule() -> str:
    # Words to the left, figures to the right.
    return _line(tuple("---" if name in _WORDS else "---:" for name in HEAD))
